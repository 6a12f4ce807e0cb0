import { el, plain, peer, bytes, number, table, setText, clock } from './dom.js';
import { get } from './actions.js';
import { tools } from './paging.js';

const statusClass = (status) => (status >= 500 || status === 0 ? 'bad' : status >= 400 ? 'warn' : 'good');
const ms = (value) => (value === undefined || value === null ? '–' : `${value < 10 ? value.toFixed(1) : number(Math.round(value))} ms`);

export const requests = {
  title: 'Requests',
  create({ query, change }) {
    const top = tools({ query, change, placeholder: 'URL, method or destination' });
    const list = table('Requests, the newest first', [
      { title: 'Number', num: true, cell: (r) => el('a', { href: `#/request?id=${r.number}` }, String(r.number)) },
      { title: 'Time', cell: (r) => clock(r.time) },
      { title: 'Method', cell: (r) => plain(r.method) },
      { title: 'URL', cell: (r) => peer(r.url) },
      { title: 'Status', num: true, cell: (r) => String(r.status), cls: (r) => statusClass(r.status) },
      { title: 'Took', num: true, cell: (r) => ms(r.duration) },
      { title: 'Request', num: true, cell: (r) => bytes(r.requestLength) },
      { title: 'Response', num: true, cell: (r) => bytes(r.responseLength) },
      { title: 'Destination', cell: (r) => (r.destination ? peer(r.destination) : '–') },
      { title: 'Repeats', num: true, cell: (r) => (r.replayOf ? el('a', { href: `#/request?id=${r.replayOf}` }, String(r.replayOf)) : '–') },
    ]);
    const empty = el('p', { class: 'empty' });
    return {
      root: el('div', {}, top.root, list.root, empty),
      update({ requests: r }) {
        list.update(r.rows, (row) => row.number);
        list.caption(`Requests, the newest first: up to 200 of the last ${number(r.most)}`);
        list.root.hidden = r.rows.length === 0;
        empty.hidden = r.rows.length > 0;
        setText(empty, !r.isEnabled ? 'The inspector is off. MtaTlsDashboard:Inspector:Enabled turns it on for endpoints with WithMtaTlsInspector().'
          : query.filter ? 'No request matches the filter.' : 'No request has been recorded. Only endpoints with WithMtaTlsInspector() are recorded.');
      },
    };
  },
};

function body(title, value) {
  const text = value.text ?? (value.hexadecimal ? `Not text. The first bytes: ${value.hexadecimal.replace(/(..)/g, '$1 ')}` : '');
  return el('section', {}, el('h2', {}, `${title}: ${bytes(value.length)}${value.isCut ? ', only the first bytes are kept' : ''}`), text ? el('pre', { tabindex: '0' }, text) : null);
}

function headers(title, rows) {
  const list = table(title, [{ title: 'Name', cell: (r) => plain(r.name) }, { title: 'Value', wrap: true, cell: (r) => plain(r.value) }]);
  list.update(rows.map((r, i) => ({ ...r, i })), (r) => r.i);
  return rows.length ? list.root : el('p', { class: 'soft' }, `${title}: none.`);
}

export const request = {
  title: 'Request',
  tab: 'requests',
  source: 'requests',
  create({ query, act, canAct, go }) {
    const root = el('div', {}, el('p', {}, el('a', { href: '#/requests' }, 'All requests')));
    const content = el('div');
    root.append(content);

    async function load() {
      try {
        const r = await get(`api/requests/${encodeURIComponent(query.id ?? '')}`);
        const h = r.head;
        const facts = [['Request', `${h.method} ${h.url}`], ['Status', String(h.status)], ['Protocol', r.protocol], ['Peer', r.peer ?? '–'], ['Began', new Date(h.time).toLocaleString('en-GB')],
          ['First byte', ms(r.firstByte)], ['Took', ms(h.duration)], ['Destination', h.destination ?? '–'], ...(r.error ? [['Failed', r.error]] : []), ...(h.replayOf ? [['Repeats', String(h.replayOf)]] : [])];
        const replay = canAct()
          ? el('button', {
            type: 'button', disabled: r.cannotReplay ? true : null, onclick: async () => {
              const result = await act('Send again?', `${h.method} ${h.url}: to the same endpoint, without blanked headers.`, `requests/${h.number}/replay`);
              if (result) {
                go('request', { id: result.number });
              }
            },
          }, 'Send again') : null;
        content.replaceChildren(
          el('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, plain(value))])),
          el('p', {}, ...[replay, r.cannotReplay && canAct() ? ` ${r.cannotReplay}` : null].filter(Boolean)),
          headers('Request headers', r.requestHeaders), body('Request body', r.requestBody), headers('Response headers', r.responseHeaders), body('Response body', r.responseBody));
      } catch (error) {
        content.replaceChildren(el('p', { class: 'empty' }, error.message));
      }
    }

    let isLoaded = false;
    return {
      root,
      update() {
        if (!isLoaded) {
          isLoaded = true;
          load();
        }
      },
    };
  },
};
