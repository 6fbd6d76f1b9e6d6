import type { ConfigMap } from '@openfero/core/kubernetes';
import { configMap } from '@openfero/testkit/operarii';
import { alertname } from './alerts.ts';

/** `count` operarii, one for each alertname in alerts.ts. */
export function operariiIn(namespace: string, count: number): ConfigMap[] {
  return Array.from({ length: count }, (_, index) => {
    const name = alertname(index);
    return configMap(name, { metadata: { namespace }, data: { [name]: TEMPLATE } });
  });
}

/** Like the README's example. */
const TEMPLATE = `apiVersion: batch/v1
kind: Job
metadata:
  name: quota
  labels:
    app: openfero
spec:
  parallelism: 1
  completions: 1
  template:
    spec:
      containers:
      - name: remediation
        image: python:3.13
        args:
        - bash
        - -c
        - |-
          echo "$OPENFERO_RESOURCE in $OPENFERO_NAMESPACE is full"
        resources:
          limits:
            memory: 64Mi
      restartPolicy: Never
`;
