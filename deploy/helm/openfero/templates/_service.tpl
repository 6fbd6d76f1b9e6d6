{{/*
What all services have in common. Each takes a component: a dict with
  root    the root context
  name    receiver, worker or dashboard
  values  its values
  port    its port
  metrics the port of its metrics, if they have their own
*/}}

{{/* Deployment, ServiceAccount and PodDisruptionBudget. `env` and `files` are the component's own. */}}
{{- define "openfero.workload" -}}
{{- $values := .values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "openfero.metadata" . | nindent 2 }}
spec:
  {{- if not (include "openfero.scaled" .) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "openfero.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "openfero.podLabels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "openfero.account" . | quote }}
      automountServiceAccountToken: {{ eq .name "worker" }}
      enableServiceLinks: false
      # Longer than the 20 s that a service needs at most to stop.
      terminationGracePeriodSeconds: 30
      {{- with include "openfero.pullSecrets" .root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . | quote }}
      {{- end }}
      {{- with mergeOverwrite (deepCopy .root.Values.podSecurityContext) $values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "openfero.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) | quote }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [{{ .name }}.mjs]
          env:
            {{- include "openfero.variables" . | trim | nindent 12 }}
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - { name: http, containerPort: {{ .port }} }
            {{- with .metrics }}
            - { name: metrics, containerPort: {{ . }} }
            {{- end }}
          {{- $scheme := "" }}
          {{- if and $values.tls $values.tls.secret }}{{ $scheme = ", scheme: HTTPS" }}{{ end }}
          startupProbe:
            httpGet: { path: /healthz, port: http{{ $scheme }} }
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /healthz, port: http{{ $scheme }} }
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: { path: /readyz, port: http{{ $scheme }} }
            periodSeconds: 5
            timeoutSeconds: 5
          {{- with mergeOverwrite (deepCopy .root.Values.securityContext) $values.securityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- $redis := include "openfero.redis.files" .root | trim }}
          {{- $http := .files | trim }}
          {{- if or $redis $http $values.extraVolumeMounts }}
          volumeMounts:
            {{- if $redis }}
            - { name: redis, mountPath: /etc/openfero/redis, readOnly: true }
            {{- end }}
            {{- if $http }}
            - { name: http, mountPath: /etc/openfero/http, readOnly: true }
            {{- end }}
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
      {{- if or $redis $http $values.extraVolumes }}
      # 288 is 0440: the files belong to root and to the group of fsGroup.
      volumes:
        {{- if $redis }}
        - name: redis
          projected:
            defaultMode: 288
            sources:
              {{- $redis | nindent 14 }}
        {{- end }}
        {{- if $http }}
        - name: http
          projected:
            defaultMode: 288
            sources:
              {{- $http | nindent 14 }}
        {{- end }}
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with include "openfero.placement" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
{{- if $values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "openfero.account" . | quote }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "openfero.labels" . | nindent 4 }}
  {{- with $values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false # The pod of the worker mounts it explicitly.
{{- end }}
{{- if and $values.podDisruptionBudget.enabled (ge (include "openfero.minReplicas" . | int) 2) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "openfero.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  # A pod that is not ready protects nothing. Without this, none can be evicted while Redis is away.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "openfero.selector" . | nindent 6 }}
{{- end }}
{{- if and $values.autoscaling $values.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "openfero.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "openfero.fullname" .root }}-{{ .name }}
  minReplicas: {{ $values.autoscaling.minReplicas }}
  maxReplicas: {{ $values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: {{ $values.autoscaling.targetCPUUtilizationPercentage }} }
{{- end }}
{{- end -}}

{{/*
The variables that the chart sets. extraEnv may replace NODE_OPTIONS. All others have values of their own, on which
more than the variable may depend, and an API server refuses a variable that is there twice.
*/}}
{{- define "openfero.variables" -}}
{{- $component := . -}}
{{- $extra := list -}}
{{- range .values.extraEnv }}{{ $extra = append $extra .name }}{{ end -}}
{{- $tracing := ternary "" (include "openfero.tracing.env" .root) (eq .name "dashboard") -}}
{{- range print (include "openfero.redis.env" .root) (include "openfero.common.env" .) $tracing "\n" .env | fromYamlArray }}
{{- if not (has .name $extra) }}
- {{ toJson . }}
{{- else if ne .name "NODE_OPTIONS" }}
{{- fail (printf "%s.extraEnv has %s, which the chart sets itself: remove it there" $component.name .name) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "openfero.common.env" }}
- { name: OPENFERO_QUEUE_PREFIX, value: {{ .root.Values.queuePrefix | quote }} }
- { name: LOG_LEVEL, value: {{ .root.Values.logLevel }} }
- { name: PORT, value: {{ .port | quote }} }
{{- end -}}

{{/* Where the pods run. Spread constraints without a selector get the component's. */}}
{{- define "openfero.placement" -}}
{{- $component := . }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $ours := dict "labelSelector" (dict "matchLabels" (include "openfero.selector" $component | fromYaml)) }}
  - {{ ternary . (merge $ours .) (hasKey . "labelSelector") | toJson }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* "true" if something else sets the number of replicas. */}}
{{- define "openfero.scaled" -}}
{{- if or (and .values.autoscaling .values.autoscaling.enabled) (and .values.keda .values.keda.enabled) }}true{{ end -}}
{{- end -}}

{{- define "openfero.minReplicas" -}}
{{- if and .values.keda .values.keda.enabled }}{{ .values.keda.minReplicaCount }}
{{- else if and .values.autoscaling .values.autoscaling.enabled }}{{ .values.autoscaling.minReplicas }}
{{- else }}{{ .values.replicas }}{{ end -}}
{{- end -}}

{{/* The Service of a component. */}}
{{- define "openfero.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "openfero.metadata" . | nindent 2 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .values.service.type }}
  selector:
    {{- include "openfero.selector" . | nindent 4 }}
  ports: [{ name: http, port: {{ .port }}, targetPort: http }]
{{- end -}}

{{/* Where traces are sent. Takes the root context. */}}
{{- define "openfero.tracing.env" }}
{{- with .Values.tracing }}
{{- if .endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
{{- with .existingSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The variables of the worker alone. */}}
{{- define "openfero.worker.env" }}
- { name: OPENFERO_CONFIGMAP_NAMESPACE, value: {{ .Values.operarii.namespace | quote }} }
{{- with .Values.operarii.jobNamespace }}
- { name: OPENFERO_JOB_NAMESPACE, value: {{ . | quote }} }
{{- end }}
{{- include "openfero.settings" .Values.worker.settings }}
{{- end -}}
