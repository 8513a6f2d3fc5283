import { bytes, element, number, time, write } from './text.js';

/* global uPlot */

// rate is by how much a number of the rows has grown each second.
const rate = (name) => (now, before) => (now[name] - before[name]) / ((now.at - before.at) / 1000);
// ratio is what two numbers have grown by, divided; null where the second has not.
const ratio = (part, all, factor = 1) => (now, before) => {
  const by = all(now) - all(before);
  return by > 0 ? (factor * (part(now) - part(before))) / by : null;
};
const of = (name) => (row) => row[name];
// Steps of bytes on an axis: those that are round in KiB and MiB.
const byteSteps = Array.from({ length: 45 }, (_, i) => 2 ** i);

// The charts: each line has what it shows of a row and of the one before. One with a when is left out until that holds.
const charts = [
  { title: 'Hit ratio', words: (v) => `${number(v)} %`, top: 100, lines: [
    { name: 'answered without the handler', value: ratio(of('shared'), (r) => r.requests - r.bypassed, 100) }] },
  { title: 'Requests a second', words: number, lines: [
    { name: 'all', value: rate('requests') }, { name: 'misses', value: rate('misses') }] },
  { title: 'Handler time, each second', words: time, lines: [
    { name: 'saved', value: rate('saved') }, { name: 'spent', value: rate('filling') }] },
  { title: 'A fill takes', words: time, lines: [
    { name: 'mean', value: ratio(of('filling'), of('fills')) }] },
  { title: 'A call of the store takes', words: time, when: (r) => r.operated > 0, lines: [
    { name: 'mean', value: ratio(of('waiting'), of('operated')) }] },
  { title: 'Calls of the store, a second', words: number, when: (r) => r.operations > 0, lines: [
    { name: 'all', value: rate('operations') }, { name: 'failed or refused', value: rate('failures') }] },
  { title: 'Memory', words: bytes, when: (r) => r.memory > 0, lines: [{ name: 'stored here', value: of('memory') }] },
  { title: 'Memory for the store', words: bytes, when: (r) => r.near > 0 || r.queue > 0, lines: [
    { name: 'near copies', value: of('near') }, { name: 'waiting to be written', value: of('queue') }] },
  { title: 'Purges owed to the store', words: number, when: (r) => r.owed > 0, lines: [
    { name: 'owed', value: of('owed') }] },
];

// Charts are the charts over time, of the rows that have come so far.
export class Charts {
  constructor(box) {
    this.box = box;
    this.shown = [];
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw(true));
    new ResizeObserver(() => this.fit()).observe(box);
  }

  show(rows) {
    this.rows = rows;
    if (rows.length < 2) {
      this.box.replaceChildren(element('p', 'The first two samples are being taken: a chart begins in a few seconds.', { class: 'empty' }));
      this.shown = [];
      return;
    }
    this.draw(false);
  }

  // draw makes the charts that are not there, all of them when the colours have changed, and gives each its numbers.
  draw(anew) {
    if (!this.rows || this.rows.length < 2) return;
    const wanted = charts.filter((chart) => !chart.when || this.rows.some(chart.when));
    if (anew || wanted.length !== this.shown.length) {
      this.shown.forEach((one) => one.plot.destroy());
      this.shown = wanted.map((chart) => this.make(chart));
      this.box.replaceChildren(...this.shown.map((one) => one.figure));
    }
    const steps = this.rows.slice(1).map((row, i) => [row, this.rows[i]]);
    const at = steps.map(([row]) => row.at / 1000);
    for (const one of this.shown) {
      const data = one.chart.lines.map((line) => steps.map(([row, before]) => line.value(row, before)));
      one.plot.setData([at, ...data]);
      this.say(one, (i) => data[i].at(-1));
    }
    this.fit();
  }

  make(chart) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const parts = chart.lines.map((line, i) => element('span', [element('span', '', { class: `key key-${i + 1}` }), element('span')], { class: 'part' }));
    const at = element('span', '', { class: 'at' });
    const caption = element('figcaption', [element('b', chart.title), at, element('span', parts, { class: 'now' })]);
    const plot = element('div', '', { class: 'plot', 'aria-hidden': 'true' });
    const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
    const clock = (u, all) => all.map((v) => new Date(v * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: v % 60 ? '2-digit' : undefined }));
    const options = {
      width: 320, height: 150, legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { show: true } },
      scales: { y: { range: (u, low, high) => [0, chart.top ?? Math.max(high * 1.1, 1e-3)] } },
      axes: [{ ...axis, values: clock, space: 90, size: 30 }, { ...axis, size: 64, incrs: chart.words === bytes ? byteSteps : undefined, values: (u, all) => all.map((v) => chart.words(v)) }],
      series: [{}, ...chart.lines.map((line, i) => ({ stroke: colour(`series-${i + 1}`), width: 2, spanGaps: false, points: { show: false } }))],
      hooks: { setCursor: [(u) => this.point(u, one)] },
    };
    const one = { chart, parts, at, figure: element('figure', [caption, plot]) };
    one.plot = new uPlot(options, [[], ...chart.lines.map(() => [])], plot);
    return one;
  }

  // say words the numbers of a chart at one time: the last one, or that beneath the pointer.
  say(one, value, at = '') {
    one.chart.lines.forEach((line, i) => {
      const said = value(i);
      write(one.parts[i].lastChild, `${line.name} ${said == null ? '–' : one.chart.words(said)}`);
    });
    write(one.at, at);
  }

  point(u, one) {
    const i = u.cursor.idx ?? u.data[0].length - 1;
    if (i < 0) return;
    this.say(one, (line) => u.data[line + 1][i], u.cursor.idx == null ? '' : new Date(u.data[0][i] * 1000).toLocaleTimeString());
  }

  fit() {
    for (const one of this.shown) {
      const width = Math.floor(one.figure.clientWidth);
      if (width > 0 && width !== one.plot.width) one.plot.setSize({ width, height: 150 });
    }
  }
}
