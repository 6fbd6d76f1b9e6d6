/** What to tell a sender whose request no route takes. */
export interface WrongAddress {
  readonly code: 404 | 405;
  readonly error: string;
}

/** @param path without the query */
export function wrongAddress(method: string, path: string): WrongAddress {
  if (path === '/alerts' || path === '/alerts/') {
    return { code: 405, error: `${method} is not allowed here: send notifications with POST` };
  }
  if (path.includes('/api/v1/') || path.includes('/api/v2/')) {
    return { code: 404, error: NOT_AN_ALERTMANAGER };
  }
  return { code: 404, error: 'not found: send notifications to POST /alerts' };
}

/** Prometheus, and amtool, call an Alertmanager there. */
const NOT_AN_ALERTMANAGER =
  'this is OpenFero, not an Alertmanager: name an Alertmanager under `alerting` in the configuration of Prometheus, and http://<this receiver>/alerts as the url of a webhook_config in that of Alertmanager';
