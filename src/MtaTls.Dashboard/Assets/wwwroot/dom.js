// Small helpers. Texts from peers become text nodes, never markup.

const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text from a peer. Characters that would hide or reorder other characters are escaped. */
export const plain = (text) => String(text ?? '').replace(hidden, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'class') {
      element.className = value;
    } else if (key.startsWith('on')) {
      element.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

export const peer = (text, title) => el('span', { title: title ?? plain(text), class: 'cut' }, plain(text));

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function bits(value) {
  const [scale, unit] = value >= 1e9 ? [1e9, 'Gbit/s'] : value >= 1e6 ? [1e6, 'Mbit/s'] : value >= 1e3 ? [1e3, 'kbit/s'] : [1, 'bit/s'];
  return `${(value / scale).toFixed(scale === 1 ? 0 : 1)} ${unit}`;
}

export const number = (value) => value.toLocaleString('en');

/** 1 session, 2 sessions. */
export const many = (value, name) => `${number(value)} ${name}${value === 1 ? '' : 's'}`;

/** The caption of a table: how many rows match the filter. */
export const extent = (view, name) => (view.matched === view.total ? many(view.total, name) : `${number(view.matched)} of ${many(view.total, name)}`);

export const rate = (value) => `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1)}/s`;

/** The time since `time`, in the two largest units. */
export function age(time, now) {
  if (!time) {
    return '–';
  }
  let seconds = Math.max(0, Math.round((new Date(now) - new Date(time)) / 1000));
  const parts = [];
  for (const [size, unit] of [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']]) {
    if (seconds >= size || (unit === 's' && parts.length === 0)) {
      parts.push(`${Math.floor(seconds / size)} ${unit}`);
      seconds %= size;
    }
  }
  return parts.slice(0, 2).join(' ');
}

export const clock = (time) => new Date(time).toLocaleTimeString('en-GB');

export const words = (name) => name.replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

/** Sets the text of an element only if it differs, so that the user's selection stays. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/**
 * A table that stays from frame to frame. Rows are identified by a key, and only cells with new content change.
 * Columns: { key, title, num, sort, cell(row) → text or Node, cls(row), wrap }
 */
export function table(caption, columns, { sort, desc, onSort } = {}) {
  const heads = columns.map((column) => {
    const head = el('th', { scope: 'col', class: column.num ? 'num' : '' });
    if (column.sort && onSort) {
      head.append(el('button', { type: 'button', class: 'sort', onclick: () => onSort(column.sort, sort === column.sort ? !desc : column.num === true) }, column.title));
      if (sort === column.sort) {
        head.setAttribute('aria-sort', desc ? 'descending' : 'ascending');
      }
    } else {
      head.textContent = column.title;
    }
    return head;
  });
  const body = el('tbody');
  const title = el('caption', {}, caption);
  const root = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, el('table', {}, title, el('thead', {}, el('tr', {}, ...heads)), body));
  const known = new Map();
  return {
    root,
    caption: (text) => setText(title, text),
    update(rows, keyOf) {
      const seen = new Set();
      rows.forEach((row, index) => {
        const key = keyOf(row);
        seen.add(key);
        let line = known.get(key);
        if (!line) {
          line = { row: el('tr'), values: [], cells: columns.map((c) => el('td', { class: [c.num ? 'num' : '', c.wrap ? 'wrap' : ''].join(' ').trim() })) };
          line.row.append(...line.cells);
          known.set(key, line);
        }
        columns.forEach((column, i) => {
          const value = column.cell(row);
          const mark = `${value instanceof Node ? value.outerHTML : value}|${column.cls?.(row) ?? ''}`;
          if (line.values[i] !== mark) {
            line.values[i] = mark;
            line.cells[i].replaceChildren(value);
            line.cells[i].classList.remove('good', 'warn', 'bad', 'soft');
            const cls = column.cls?.(row);
            if (cls) {
              line.cells[i].classList.add(cls);
            }
          }
        });
        if (body.children[index] !== line.row) {
          body.insertBefore(line.row, body.children[index] ?? null);
        }
      });
      for (const [key, line] of known) {
        if (!seen.has(key)) {
          line.row.remove();
          known.delete(key);
        }
      }
    },
  };
}

/** A short list of counts, without those that are zero. */
export function counts(title, none) {
  const list = table(title, [{ title: 'What', cell: (row) => plain(row.name), wrap: true }, { title: 'Times', num: true, cell: (row) => number(row.value) }]);
  const empty = el('p', { class: 'soft' }, none);
  const root = el('section', {}, el('h2', {}, title), list.root, empty);
  return {
    root,
    update(rows) {
      list.root.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
      list.update(rows, (row) => row.name);
    },
  };
}

export function tiles(names) {
  const values = names.map(() => el('dd', {}, '–'));
  const root = el('dl', { class: 'tiles' }, ...names.map((name, i) => el('div', { class: 'tile' }, el('dt', {}, name), values[i])));
  return { root, update: (texts) => texts.forEach((text, i) => setText(values[i], text)) };
}
