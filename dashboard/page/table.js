import { element, write } from './text.js';

// Table shows rows that come anew each time, sorted by a column that its heading chooses. A column has a name, text (what is shown of a row) and
// value (what it sorts by; none where it does not); wide for words, bad(row) for what is wrong, and
// rare where it is left out as long as all of its values are 0. The first one is the row's heading. On a phone each row is a block that has the
// columns' names beside its cells, for which style.css takes the table apart: the roles are there so that it stays one to a screen reader.
export class Table {
  constructor(table, empty, columns, by, caption) {
    this.body = element('tbody', '', { role: 'rowgroup' });
    this.empty = empty;
    this.columns = columns;
    this.by = columns.findIndex((column) => column.name === by);
    this.falling = this.by > 0;
    this.lines = new Map();
    this.rows = [];
    this.heads = columns.map((column, i) => {
      const head = element('th', column.value ? [this.button(column, i)] : column.name, { scope: 'col', role: 'columnheader' });
      if (column.wide) head.className = 'text';
      return head;
    });
    table.setAttribute('aria-label', caption);
    table.setAttribute('role', 'table');
    const head = element('tr', this.heads, { role: 'row' });
    table.append(element('thead', [head], { role: 'rowgroup' }), this.body);
    this.table = table;
    this.mark();
  }

  button(column, i) {
    const button = element('button', column.name, { type: 'button' });
    button.addEventListener('click', () => {
      this.falling = this.by === i ? !this.falling : i > 0;
      this.by = i;
      this.mark();
      this.show(this.rows);
    });
    return button;
  }

  mark() {
    this.heads.forEach((head, i) => {
      if (i !== this.by) head.removeAttribute('aria-sort');
      else head.setAttribute('aria-sort', this.falling ? 'descending' : 'ascending');
    });
  }

  // show shows rows, each by its id. What is there already stays where it is, so that a selection and a focus do.
  show(rows, nothing = '') {
    this.rows = rows;
    const value = this.columns[this.by]?.value;
    const sorted = value ? [...rows].sort((a, b) => this.order(value(a), value(b)) || this.order(a.id, b.id, false)) : rows;
    const lines = sorted.map((row) => this.line(row));
    const kept = new Set(rows.map((row) => row.id));
    for (const [id, line] of this.lines) {
      if (kept.has(id)) continue;
      line.remove();
      this.lines.delete(id);
    }
    lines.forEach((line, i) => {
      if (this.body.children[i] !== line) this.body.insertBefore(line, this.body.children[i] ?? null);
    });
    this.columns.forEach((column, i) => {
      const hidden = Boolean(column.rare) && i !== this.by && rows.every((row) => column.value(row) === 0);
      for (const line of [...lines.map((one) => one.children[i]), this.heads[i]]) line.hidden = hidden;
    });
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    if (rows.length === 0 && nothing) write(this.empty, nothing);
  }

  order(a, b, falling = this.falling) {
    const sign = typeof a === 'string' ? a.localeCompare(b) : a - b;
    return falling ? -sign : sign;
  }

  line(row) {
    let line = this.lines.get(row.id);
    if (!line) {
      line = element('tr', this.columns.map((column, i) => {
        const cell = i === 0 ? element('th', '', { scope: 'row', role: 'rowheader' }) : element('td', '', { role: 'cell', 'data-name': column.name });
        if (column.wide) cell.className = 'text';
        return cell;
      }), { role: 'row' });
      this.lines.set(row.id, line);
    }
    this.columns.forEach((column, i) => {
      write(line.children[i], column.text(row));
      line.children[i].classList.toggle('bad', Boolean(column.bad?.(row)));
    });
    return line;
  }
}
