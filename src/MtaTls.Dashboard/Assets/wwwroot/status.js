import { el, plain, peer, bytes, number, age, words, table, counts, setText } from './dom.js';
import { tools, pager } from './paging.js';

const pathClass = { Active: 'good', Stalled: 'warn', Unavailable: 'bad' };

export const tunnels = {
  title: 'Tunnels',
  create({ query, change, act, canAct }) {
    const top = tools({ query, change, placeholder: 'Session, identity or address' });
    const facts = el('p', { class: 'soft' });
    const body = el('div');
    const empty = el('p', { class: 'empty' });
    const bottom = pager(change);
    const drops = counts('Packets dropped', 'None.');
    const known = new Map();
    let time = null;

    function make(row) {
      const paths = table(`Paths of ${row.name || 'the tunnel'}`, [
        { title: 'Local', cell: (p) => p.local },
        { title: 'Remote', cell: (p) => p.remote },
        { title: 'Access', cell: (p) => words(p.access) },
        { title: 'State', cell: (p) => p.state, cls: (p) => pathClass[p.state] },
        { title: 'RTT', num: true, cell: (p) => `${p.roundTrip.toFixed(1)} ms` },
        { title: 'Loss', num: true, cell: (p) => (p.packetsSent > 0 ? `${(100 * p.packetsLost / p.packetsSent).toFixed(2)} %` : '–'), cls: (p) => (p.packetsSent > 0 && p.packetsLost / p.packetsSent > 0.05 ? 'warn' : '') },
        { title: 'Window', num: true, cell: (p) => bytes(p.congestionWindow) },
        { title: 'Largest packet', num: true, cell: (p) => bytes(p.maxPacketSize) },
        { title: 'Received', num: true, cell: (p) => bytes(p.received) },
        { title: 'Sent', num: true, cell: (p) => bytes(p.sent) },
        { title: 'Packets in', num: true, cell: (p) => number(p.packetsReceived) },
        { title: 'Packets out', num: true, cell: (p) => number(p.packetsSent) },
      ]);
      const head = el('p', { class: 'soft' });
      const none = el('p', { class: 'empty' }, 'The session has no path now.');
      const end = canAct() && !row.isClient
        ? el('button', { type: 'button', class: 'act secondary', 'aria-label': `End tunnel ${row.name}`, onclick: () => act('End the tunnel session?', `${row.name}: its connections are closed.`, `tunnels/${encodeURIComponent(row.name)}/end`) }, 'End') : null;
      const root = el('section', {}, el('h2', {}, row.isClient ? `Client: ${row.name || 'no session'}` : row.name), head, end, paths.root, none);
      return {
        root,
        update(r) {
          setText(head, [r.identity ? plain(r.identity) : null, r.addresses.length ? r.addresses.join(', ') : null, r.createdAt ? `for ${age(r.createdAt, time)}` : null].filter(Boolean).join(' · '));
          paths.update(r.paths, (p) => `${p.local}|${p.remote}`);
          paths.root.hidden = r.paths.length === 0;
          none.hidden = r.paths.length > 0;
        },
      };
    }

    return {
      root: el('div', {}, top.root, facts, body, empty, bottom.root, drops.root),
      update({ time: now, tunnels: t }) {
        time = now;
        setText(facts, t.isAvailable ? `Scheduler: ${words(t.scheduler ?? '')}. Received from the tunnel: ${bytes(t.received)}. Sent into the tunnel: ${bytes(t.sent)}.` : '');
        const keys = new Set(t.rows.map((r) => `${r.isClient}|${r.name}`));
        for (const row of t.rows) {
          const key = `${row.isClient}|${row.name}`;
          if (!known.has(key)) {
            known.set(key, make(row));
            body.append(known.get(key).root);
          }
          known.get(key).update(row);
        }
        for (const [key, view] of known) {
          if (!keys.has(key)) {
            view.root.remove();
            known.delete(key);
          }
        }
        empty.hidden = t.rows.length > 0;
        setText(empty, !t.isAvailable ? 'The application has no QUIC tunnel. It calls neither AddQuicTunnel() nor AddQuicTunnelClient().' : t.total === 0 ? 'There is no tunnel session.' : 'No tunnel session matches the filter.');
        drops.root.hidden = !t.isAvailable;
        drops.update(t.drops.map((d) => ({ ...d, name: d.name.replace(/_/g, ' ') })));
        bottom.update(t);
      },
    };
  },
};

function days(certificate) {
  const left = certificate.daysLeft;
  return left < 0 ? `expired ${Math.ceil(-left)} days ago` : `${Math.floor(left)} days left`;
}

export const endpoints = {
  title: 'Endpoints',
  create() {
    const list = table('Endpoints and their certificates', [
      { title: 'Address', cell: (r) => r.address },
      { title: 'Name', cell: (r) => plain(r.name ?? '–') },
      { title: 'MTA-TLS', cell: (r) => (r.obstacle ? 'no' : r.mode === 'Required' ? 'required' : 'yes'), cls: (r) => (r.obstacle ? 'warn' : 'good') },
      { title: 'Why not', wrap: true, cell: (r) => r.obstacle ?? '–' },
      { title: 'Certificate', cell: (r) => (r.certificate ? peer(r.certificate.subject, `${plain(r.certificate.subject)}\nIssuer: ${plain(r.certificate.issuer)}\nThumbprint: ${r.certificate.thumbprint}`) : r.obstacle ? '–' : 'chosen per connection') },
      { title: 'Valid', cell: (r) => (r.certificate ? days(r.certificate) : '–'), cls: (r) => (r.certificate ? (r.certificate.daysLeft < 7 ? 'bad' : r.certificate.daysLeft < 30 ? 'warn' : 'good') : '') },
      { title: 'Until', cell: (r) => (r.certificate ? r.certificate.notAfter.slice(0, 10) : '–') },
    ]);
    const empty = el('p', { class: 'empty' });
    return {
      root: el('div', {}, list.root, empty),
      update({ endpoints: e }) {
        list.update(e.rows, (r) => r.address);
        list.root.hidden = e.rows.length === 0;
        empty.hidden = e.rows.length > 0;
        setText(empty, e.isAvailable ? 'The server listens on no endpoint.' : 'The application has no MTA-TLS server. It does not call builder.WebHost.UseMtaTls().');
      },
    };
  },
};

export const limits = {
  title: 'Limits',
  create() {
    const amount = (value, unit) => (unit === 'bytes' ? bytes(value) : number(value));
    const part = (r) => r.used / Math.max(1, r.limit);
    const list = table('Limits, the nearest first', [
      { title: 'Limit', cell: (r) => r.name },
      { title: 'Used', num: true, cell: (r) => amount(r.used, r.unit) },
      { title: 'Of', num: true, cell: (r) => `${amount(r.limit, r.unit)}${r.unit === 'bytes' ? '' : ` ${r.unit}`}` },
      { title: 'How near', cell: (r) => el('span', {}, el('meter', { min: '0', max: '1', low: '0.7', high: '0.9', optimum: '0', value: part(r).toFixed(3), 'aria-label': `${r.name}: ${(100 * part(r)).toFixed(0)} % used` }), ` ${(100 * part(r)).toFixed(1)} %`), cls: (r) => (part(r) > 0.9 ? 'bad' : part(r) > 0.7 ? 'warn' : '') },
    ]);
    const exceeded = counts('Exceeded', 'None since this page is watched.');
    const empty = el('p', { class: 'empty' }, 'The application has no MTA-TLS server. It does not call builder.WebHost.UseMtaTls().');
    return {
      root: el('div', {}, list.root, empty, exceeded.root),
      update({ limits: l }) {
        list.update(l.rows, (r) => r.name);
        list.root.hidden = l.rows.length === 0;
        empty.hidden = l.isAvailable;
        exceeded.update(l.exceeded);
      },
    };
  },
};

const levels = ['Debug', 'Information', 'Warning', 'Error'];

export const events = {
  title: 'Events',
  create({ query, change }) {
    const select = el('select', { id: 'level', onchange: () => change({ level: select.value === 'Debug' ? null : select.value }) }, ...levels.map((l) => el('option', { value: l, selected: (query.level ?? 'Debug') === l }, l)));
    const top = tools({ query, change, placeholder: 'Text, category or event' }, el('label', { for: 'level' }, 'From level', select));
    const list = table('Events, the newest first', [
      { title: 'Time', cell: (r) => new Date(r.time).toLocaleTimeString('en-GB') },
      { title: 'Level', cell: (r) => r.level, cls: (r) => ({ Warning: 'warn', Error: 'bad', Critical: 'bad', Debug: 'soft', Trace: 'soft' })[r.level] ?? '' },
      { title: 'Event', cell: (r) => plain(r.name) },
      { title: 'Message', wrap: true, cell: (r) => plain(r.message) },
      { title: 'Category', cell: (r) => r.category },
    ]);
    const empty = el('p', { class: 'empty' });
    return {
      root: el('div', {}, top.root, list.root, empty),
      update({ events: e }) {
        list.update(e.rows, (r) => r.number);
        list.caption(`Events, the newest first: up to 200 of the last ${number(e.most)}`);
        list.root.hidden = e.rows.length === 0;
        empty.hidden = e.rows.length > 0;
        setText(empty, query.filter || query.level ? 'No event matches the filter.' : 'No event has been logged. Logging:MtaTlsDashboard:LogLevel sets the lowest level.');
      },
    };
  },
};
