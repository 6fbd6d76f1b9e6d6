{{/* The URL of Redis for clients in the cluster. Empty with Sentinel and Cluster. */}}
{{- define "openfero.redis.url" -}}
{{- if .Values.redis.bundled.enabled -}}
redis://{{ include "openfero.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379
{{- else -}}
{{ .Values.redis.external.url }}
{{- end -}}
{{- end -}}

{{/* Secret and key of the password, as JSON. The name is empty if Redis has no password. */}}
{{- define "openfero.redis.secret" -}}
{{- $secret := .Values.redis.external.existingSecret -}}
{{- if .Values.redis.bundled.enabled -}}
{{- $secret = .Values.redis.bundled.existingSecret -}}
{{- if not $secret.name -}}
{{- $secret = dict "name" (printf "%s-redis" (include "openfero.fullname" .)) "key" "password" -}}
{{- end -}}
{{- end -}}
{{ toJson $secret }}
{{- end -}}

{{/*
The list in Redis with the remediations that no worker has taken yet: BullMQ's key for the waiting ones
of the queue `remediations`. What scales the workers counts it.
*/}}
{{- define "openfero.redis.waiting" -}}
{{ .Values.queuePrefix }}:remediations:wait
{{- end -}}

{{/* The variables that tell a service which Redis to use. */}}
{{- define "openfero.redis.env" -}}
{{- $external := .Values.redis.external }}
{{- with include "openfero.redis.url" . }}
- { name: REDIS_URL, value: {{ . | quote }} }
{{- end }}
{{- if (include "openfero.redis.secret" . | fromJson).name }}
- { name: REDIS_PASSWORD_FILE, value: /etc/openfero/redis/password }
{{- end }}
{{- if not .Values.redis.bundled.enabled }}
{{- with $external.sentinel.nodes }}
- { name: REDIS_SENTINELS, value: {{ join "," . | quote }} }
- { name: REDIS_SENTINEL_MASTER, value: {{ $external.sentinel.master | quote }} }
{{- end }}
{{- with $external.sentinel.username }}
- { name: REDIS_SENTINEL_USERNAME, value: {{ . | quote }} }
{{- end }}
{{- if $external.sentinel.existingSecret.name }}
- { name: REDIS_SENTINEL_PASSWORD_FILE, value: /etc/openfero/redis/sentinel-password }
{{- end }}
{{- with $external.cluster.nodes }}
- { name: REDIS_CLUSTER_NODES, value: {{ join "," . | quote }} }
{{- end }}
{{- with $external.username }}
- { name: REDIS_USERNAME, value: {{ . | quote }} }
{{- end }}
{{- if $external.tls.enabled }}
- { name: REDIS_TLS, value: "true" }
{{- end }}
{{- if or $external.tls.ca.secret $external.tls.ca.configMap }}
- { name: REDIS_CA_FILE, value: /etc/openfero/redis/ca.crt }
{{- end }}
{{- if $external.tls.clientSecret }}
- { name: REDIS_CERT_FILE, value: /etc/openfero/redis/client.crt }
- { name: REDIS_KEY_FILE, value: /etc/openfero/redis/client.key }
{{- end }}
{{- end }}
{{- end -}}

{{/* The files behind the variables above, as sources of a projected volume. */}}
{{- define "openfero.redis.files" -}}
{{- $external := .Values.redis.external }}
{{- with include "openfero.redis.secret" . | fromJson }}
{{- if .name }}
- secret: { name: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: password }] }
{{- end }}
{{- end }}
{{- if not .Values.redis.bundled.enabled }}
{{- with $external.sentinel.existingSecret }}
{{- if .name }}
- secret: { name: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: sentinel-password }] }
{{- end }}
{{- end }}
{{- include "openfero.ca" (dict "ca" $external.tls.ca "path" "ca.crt") }}
{{- with $external.tls.clientSecret }}
- secret: { name: {{ . | quote }}, items: [{ key: tls.crt, path: client.crt }, { key: tls.key, path: client.key }] }
{{- end }}
{{- end }}
{{- end -}}

{{/* The certificate of a CA, from a Secret or a ConfigMap, as a source of a projected volume. Takes ca and path. */}}
{{- define "openfero.ca" -}}
{{- with .ca.secret }}
- secret: { name: {{ . | quote }}, items: [{ key: {{ $.ca.key | quote }}, path: {{ $.path }} }] }
{{- end }}
{{- with .ca.configMap }}
- configMap: { name: {{ . | quote }}, items: [{ key: {{ $.ca.key | quote }}, path: {{ $.path }} }] }
{{- end }}
{{- end -}}

{{/*
The ports that the services connect to on an external Redis, as a JSON list. Sentinel names a master on a port
of its own, by default Redis'.
*/}}
{{- define "openfero.redis.ports" -}}
{{- $external := .Values.redis.external -}}
{{- $addresses := concat $external.sentinel.nodes $external.cluster.nodes -}}
{{- with $external.url }}{{ $addresses = append $addresses (urlParse .).host }}{{ end -}}
{{- if $external.sentinel.nodes }}{{ $addresses = append $addresses "master" }}{{ end -}}
{{- $ports := list -}}
{{- range $addresses -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default "6379" | int) -}}
{{- end -}}
{{- range .Values.networkPolicy.redis.extraPorts }}{{ $ports = append $ports (int .) }}{{ end -}}
{{ $ports | uniq | toJson }}
{{- end -}}

{{/* 75 % of the memory limit in bytes. The schema allows whole Mi and Gi only. */}}
{{- define "openfero.redis.maxmemory" -}}
{{- $limit := .resources.limits.memory -}}
{{- $unit := ternary 1073741824 1048576 (hasSuffix "Gi" $limit) -}}
{{ div (mul 3 (regexFind "^[0-9]+" $limit | int64) $unit) 4 }}
{{- end -}}
