import { el, plain, peer, bytes, bits, number, extent, rate, age, words, table, tiles, counts, setText } from './dom.js';
import { chart } from './charts.js';
import { tunnels, endpoints, limits, events } from './status.js';
import { requests, request } from './inspector.js';
import { tools, pager } from './paging.js';

const overview = {
  title: 'Overview',
  create({ history }) {
    const head = tiles(['Sessions', 'Channels', 'In', 'Out', 'Opens', 'Refused', 'Handshakes', 'Failed handshakes']);
    const charts = [
      chart('Sessions', [{ name: 'open', value: (p) => p.sessions, show: number }], true),
      chart('Channels', [{ name: 'open', value: (p) => p.channels, show: number }], true),
      chart('Traffic', [{ name: 'in', value: (p) => p.in, show: bits }, { name: 'out', value: (p) => p.out, show: bits }]),
      chart('Channel opens', [{ name: 'opened', value: (p) => p.opens, show: rate }, { name: 'refused', value: (p) => p.refused, show: rate }]),
      chart('Handshakes', [{ name: 'succeeded', value: (p) => p.handshakes, show: rate }, { name: 'failed', value: (p) => p.failures, show: rate }]),
    ];
    const limits_ = counts('Limits exceeded', 'None since this page is watched.');
    const failures = counts('Failed handshakes by reason', 'None since this page is watched.');
    const ends = counts('Sessions ended', 'None since this page is watched.');
    const stalls = el('p', { class: 'soft' });
    const root = el('div', {}, head.root, el('div', { class: 'charts' }, ...charts.map((c) => c.root)), el('div', { class: 'panels' }, limits_.root, failures.root, ends.root), stalls);
    return {
      root,
      redraw: () => charts.forEach((c) => c.redraw()),
      update({ now, overview: o }) {
        head.update([number(now.sessions), number(now.channels), bits(now.in), bits(now.out), rate(now.opens), rate(now.refused), rate(now.handshakes), rate(now.failures)]);
        charts.forEach((c) => c.update(history.points));
        limits_.update(o.limitsExceeded);
        failures.update(o.handshakeFailures);
        ends.update(o.sessionEnds.map((e) => ({ ...e, name: words(e.name.replace(/_/g, ' ')) })));
        setText(stalls, `Times that a channel had data to send but no window left: ${number(o.windowStalls)}.`);
      },
    };
  },
};

const sessions = {
  title: 'Sessions',
  create({ query, change, act, canAct }) {
    let time = null;
    const sort = query.sort ?? 'started';
    const desc = query.sort ? query.desc === '1' : true;
    const columns = [
      { title: 'Peer', sort: 'peer', cell: (r) => el('a', { href: `#/channels?id=${encodeURIComponent(r.id)}` }, plain(r.peer) || r.id) },
      { title: 'Identity', sort: 'identity', cell: (r) => (r.identity ? peer(r.identity) : '–') },
      { title: 'Server name', sort: 'serverName', cell: (r) => (r.serverName ? peer(r.serverName) : '–') },
      { title: 'Endpoint', sort: 'endpoint', cell: (r) => plain(r.endpoint ?? '–') },
      { title: 'Age', sort: 'started', num: true, cell: (r) => age(r.startedAt, time) },
      { title: 'Channels', sort: 'channels', num: true, cell: (r) => `${number(r.channels)} of ${number(r.totalChannels)}` },
      { title: 'In', sort: 'in', num: true, cell: (r) => bits(r.in) },
      { title: 'Out', sort: 'out', num: true, cell: (r) => bits(r.out) },
      { title: 'Received', sort: 'received', num: true, cell: (r) => bytes(r.received) },
      { title: 'Sent', sort: 'sent', num: true, cell: (r) => bytes(r.sent) },
      { title: 'State', cell: (r) => (r.isDraining ? 'Draining' : 'Open'), cls: (r) => (r.isDraining ? 'warn' : 'good') },
      { title: 'Id', cell: (r) => r.id },
    ];
    if (canAct()) {
      columns.push({
        title: 'Actions', cell: (r) => el('span', {},
          el('button', { type: 'button', class: 'act secondary', 'aria-label': `End session ${r.id}`, onclick: () => act('End the session?', `${r.id} from ${r.peer}: new channels are refused, running requests finish.`, `sessions/${encodeURIComponent(r.id)}/end`) }, 'End'), ' ',
          el('button', { type: 'button', class: 'act secondary', 'aria-label': `Abort session ${r.id}`, onclick: () => act('Abort the session?', `${r.id} from ${r.peer}: its requests are aborted.`, `sessions/${encodeURIComponent(r.id)}/abort`) }, 'Abort')),
      });
    }
    const list = table('Sessions', columns, { sort, desc, onSort: (s, d) => change({ sort: s, desc: d ? '1' : null }) });
    const top = tools({ query, change, placeholder: 'Peer, identity, name, endpoint or id' });
    const bottom = pager(change);
    const empty = el('p', { class: 'empty' });
    return {
      root: el('div', {}, top.root, list.root, empty, bottom.root),
      update({ time: now, sessions: s }) {
        time = now;
        list.update(s.rows, (r) => r.id);
        list.caption(extent(s, 'session'));
        list.root.hidden = s.rows.length === 0;
        empty.hidden = s.rows.length > 0;
        setText(empty, !s.isAvailable ? 'The application has no MTA-TLS server. It does not call builder.WebHost.UseMtaTls().'
          : s.total === 0 ? 'No session is open. Only clients that offer the TLS extension data_multiplexing appear here. All others get ordinary HTTPS.'
            : 'No session matches the filter.');
        bottom.update(s);
      },
    };
  },
};

const waits = {
  Open: ['Open', ''],
  WaitsForFirstData: ['For its first data', 'soft'],
  WaitsForPeerToRead: ['For the peer to read', 'warn'],
  WaitsForApplicationToRead: ['For the application to read', 'warn'],
  Closing: ['Closing', 'soft'],
};

const channels = {
  title: 'Channels of a session',
  tab: 'sessions',
  create({ query, change, act, canAct }) {
    let time = null;
    const sort = query.sort ?? 'opened';
    const desc = query.sort ? query.desc === '1' : true;
    const facts = el('dl', { class: 'facts' });
    const columns = [
      { title: 'Channel', sort: 'id', cell: (r) => r.id },
      { title: 'Destination', sort: 'destination', cell: (r) => peer(r.destination) },
      { title: 'Claimed source', sort: 'source', cell: (r) => peer(r.source) },
      { title: 'Opened by', cell: (r) => (r.isOpenedByServer ? 'this end' : 'the peer') },
      { title: 'Age', sort: 'opened', num: true, cell: (r) => age(r.openedAt, time) },
      { title: 'Received', sort: 'received', num: true, cell: (r) => bytes(r.received) },
      { title: 'Sent', sort: 'sent', num: true, cell: (r) => bytes(r.sent) },
      { title: 'Unread', sort: 'unread', num: true, cell: (r) => bytes(r.unread) },
      { title: 'Unsent', sort: 'unsent', num: true, cell: (r) => bytes(r.unsent) },
      { title: 'Window in', num: true, cell: (r) => bytes(r.receiveWindow) },
      { title: 'Window out', num: true, cell: (r) => bytes(r.sendWindow) },
      { title: 'Waits', sort: 'state', cell: (r) => waits[r.state][0], cls: (r) => waits[r.state][1] },
    ];
    if (canAct()) {
      columns.push({
        title: 'Actions',
        cell: (r) => el('button', { type: 'button', class: 'act secondary', 'aria-label': `Close channel ${r.id}`, onclick: () => act('Close the channel?', `${r.id} to ${r.destination}: its request or connection is aborted. The session continues.`, `sessions/${encodeURIComponent(query.id)}/channels/${r.id}/abort`) }, 'Close'),
      });
    }
    const list = table('Channels', columns, { sort, desc, onSort: (s, d) => change({ sort: s, desc: d ? '1' : null }) });
    const top = tools({ query, change, placeholder: 'Destination, source, state or id' });
    const bottom = pager(change);
    const empty = el('p', { class: 'empty' });
    let shown = '';
    return {
      root: el('div', {}, el('p', {}, el('a', { href: '#/sessions' }, 'All sessions')), facts, top.root, list.root, empty, bottom.root),
      update({ time: now, channels: c }) {
        time = now;
        const s = c.session;
        const all = s ? [['Session', s.id], ['Peer', s.peer], ['Identity', s.identity ?? '–'], ['Server name', s.serverName ?? '–'], ['Endpoint', s.endpoint ?? '–'], ['Age', age(s.startedAt, now)],
          ['Channels', `${number(s.channels)} open, ${number(s.totalChannels)} opened so far`], ['Traffic', `${bits(s.in)} in, ${bits(s.out)} out; ${bytes(s.received)} received, ${bytes(s.sent)} sent`],
          ['TLS session', s.isResumed ? 'resumed' : 'new'], ['State', s.isDraining ? 'draining' : 'open']] : [];
        if (shown !== JSON.stringify(all)) {
          shown = JSON.stringify(all);
          facts.replaceChildren(...all.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, plain(value))]));
        }
        list.update(c.rows, (r) => r.id);
        list.caption(extent(c, 'channel'));
        list.root.hidden = c.rows.length === 0;
        empty.hidden = c.rows.length > 0;
        setText(empty, !s ? 'The session has ended.' : c.total === 0 ? 'The session has no open channel.' : 'No channel matches the filter.');
        bottom.update(c);
      },
    };
  },
};

const agents = {
  title: 'Agents',
  create({ query, change, act, canAct }) {
    let time = null;
    const sort = query.sort ?? 'agent';
    const desc = query.desc === '1';
    const columns = [
      { title: 'Agent', sort: 'agent', cell: (r) => peer(r.agent) },
      { title: 'State', sort: 'state', cell: (r) => r.state, cls: (r) => ({ Serving: 'good', Draining: 'warn', Silent: 'bad' })[r.state] },
      { title: 'Names', cell: (r) => peer(r.names.join(', ')) },
      { title: 'In flight', sort: 'active', num: true, cell: (r) => number(r.active) },
      { title: 'Served', sort: 'total', num: true, cell: (r) => number(r.totalChannels) },
      { title: 'Weight', num: true, cell: (r) => number(r.weight) },
      { title: 'Registered', sort: 'since', num: true, cell: (r) => age(r.since, time) },
      { title: 'Gateway', sort: 'node', cell: (r) => peer(r.node) },
      { title: 'Identity', cell: (r) => peer(r.identity) },
      { title: 'Session', cell: (r) => el('a', { href: `#/channels?id=${encodeURIComponent(r.sessionId)}` }, r.sessionId) },
    ];
    if (canAct()) {
      columns.push({
        title: 'Actions', cell: (r) => el('span', {},
          el('button', { type: 'button', class: 'act secondary', 'aria-label': `Drain agent ${plain(r.agent)} ${r.id}`, onclick: () => act('Drain the agent?', `${r.agent} (${r.id}): it gets no new requests and registers with another gateway. Requests that it serves continue.`, `agents/${r.id}/drain`) }, 'Drain'), ' ',
          el('button', { type: 'button', class: 'act secondary', 'aria-label': `End agent ${plain(r.agent)} ${r.id}`, onclick: () => act('End the agent?', `${r.agent} (${r.id}): its session ends at once, and requests that it serves fail. It may connect again.`, `agents/${r.id}/end`) }, 'End')),
      });
    }
    const list = table('Agents', columns, { sort, desc, onSort: (s, d) => change({ sort: s, desc: d ? '1' : null }) });
    const top = tools({ query, change, placeholder: 'Agent, name, identity, gateway or session' });
    const bottom = pager(change);
    const empty = el('p', { class: 'empty' });
    const unserved = counts('Requests answered 503', 'None since this page is watched.');
    const failed = counts('Channels that agents did not open', 'None since this page is watched.');
    const retried = el('p', { class: 'soft' });
    return {
      root: el('div', {}, top.root, list.root, empty, bottom.root, el('div', { class: 'panels' }, unserved.root, failed.root), retried),
      update({ time: now, agents: a }) {
        time = now;
        list.update(a.rows, (r) => r.id);
        list.caption(extent(a, 'registration'));
        list.root.hidden = a.rows.length === 0;
        empty.hidden = a.rows.length > 0;
        setText(empty, !a.isAvailable ? 'The application is not a gateway for agents. It does not call AddMtaTlsAgents().'
          : a.total === 0 ? 'No agent is registered.' : 'No agent matches the filter.');
        bottom.update(a);
        unserved.update(a.unserved);
        failed.update(a.failedOpens);
        setText(retried, `Requests that went to another agent: ${number(a.retried)}.`);
      },
    };
  },
};

export const views = { overview, sessions, channels, agents, tunnels, endpoints, limits, events, requests, request };
