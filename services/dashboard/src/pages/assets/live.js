// Keeps a page up to date. Without it every page is complete: this only saves reloading.
// The server has escaped every text; the policy says so to the browser.
const policy = globalThis.trustedTypes?.createPolicy('openfero', { createHTML: (html) => html });

/** One element of HTML that this server rendered. */
function element(html) {
  const template = document.createElement('template');
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content.firstElementChild;
}

/** Puts one element in the place of another; what had the focus in it keeps it. */
function replace(old, fresh) {
  const links = (within) => [...within.querySelectorAll('a, button, summary')];
  const focused = links(old).indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (focused >= 0) links(fresh)[focused]?.focus({ preventScroll: true });
}

const fresh = new Set();
const button = document.querySelector('[data-fresh]');
button?.addEventListener('click', () => location.reload());
function raise(id) {
  if (!button) return;
  fresh.add(id);
  button.textContent = `${fresh.size} new: show`;
  button.hidden = false;
}

// A screen reader must not be talked over: at most every 10 s.
const status = document.querySelector('[role=status]');
setInterval(() => {
  const text = fresh.size > 0 ? `${fresh.size} new` : '';
  if (status && status.textContent !== text) status.textContent = text;
}, 10_000);

const address = document.body.dataset.events;
let [source, last] = [undefined, ''];

function listen() {
  const resumed = last && `${address.includes('?') ? '&' : '?'}resume=${encodeURIComponent(last)}`;
  source = new EventSource(address + resumed);
  const on = (name, act) =>
    source.addEventListener(name, (event) => {
      last = event.lastEventId || last;
      act(event.data);
    });
  on('row', (html) => {
    const row = element(html);
    const shown = document.getElementById(row.id);
    if (shown) replace(shown, row);
    else if (row.dataset.shown) raise(row.id);
  });
  on('new', (id) => document.querySelector(`tbody:not(#queued) > #${CSS.escape(id)}`) ?? raise(id));
  on('part', (html) => {
    const part = element(html);
    const shown = document.getElementById(part.id);
    if (shown) replace(shown, part);
  });
  on('changed', () => location.reload());
  // Browsers try again after a break, but not where there was no room (503).
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 30_000);
  });
}

// A page that nobody sees needs no connection. It catches up from the last event.
function follow() {
  source?.close();
  if (!document.hidden) listen();
}

if (address) {
  document.addEventListener('visibilitychange', follow);
  follow();
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];
setInterval(() => {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
    const [unit, length] = units.find(([, each]) => Math.abs(seconds) >= each) ?? ['s', 1];
    const text = `${Math.floor(Math.abs(seconds) / length)} ${unit}`;
    time.textContent = seconds < 0 ? `in ${text}` : `${text} ago`;
  }
}, 15_000);

for (const copy of navigator.clipboard ? document.querySelectorAll('[data-copy]') : []) {
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(copy.previousElementSibling.textContent);
    copy.textContent = 'Copied';
    setTimeout(() => (copy.textContent = 'Copy'), 2_000);
  });
}
