// What is shown is always text: nothing here, or elsewhere on the page, makes markup of a string.

// element makes an element with text or children, and attributes.
export function element(name, content = '', attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (Array.isArray(content)) made.append(...content);
  else made.textContent = content;
  return made;
}

// write changes a text where it is another one, so that what a screen reader follows does not change for nothing.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export const count = (n) => whole.format(n);
export const number = (n) => (Math.abs(n) >= 1000 ? whole : short).format(n);
export const percent = (part, all) => (all > 0 ? `${short.format((100 * part) / all)} %` : '–');

export function bytes(n) {
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (n < 1024 || unit === 'GiB') return `${short.format(n)} ${unit}`;
    n /= 1024;
  }
}

// time words milliseconds.
export function time(ms) {
  if (ms === 0) return '0 s';
  if (ms < 1) return `${short.format(ms * 1000)} µs`;
  if (ms < 1000) return `${short.format(ms)} ms`;
  if (ms < 120e3) return `${short.format(ms / 1000)} s`;
  if (ms < 7200e3) return `${short.format(ms / 60e3)} min`;
  if (ms < 172800e3) return `${short.format(ms / 3600e3)} h`;
  return `${short.format(ms / 86400e3)} days`;
}

// words lists the largest of some counts by their names: "method 12, private 3".
export function words(counts, most = 3) {
  const all = Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  const told = all.slice(0, most).map(([name, n]) => `${name} ${count(n)}`).join(', ');
  return all.length > most ? `${told} and ${all.length - most} more` : told;
}
