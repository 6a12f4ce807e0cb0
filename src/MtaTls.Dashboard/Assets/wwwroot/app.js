import { el, plain, setText, clock } from './dom.js';
import { History } from './charts.js';
import { views } from './views.js';
import { actions } from './actions.js';

const $ = (id) => document.getElementById(id);
const history_ = new History();
const state = { view: null, query: null, frame: null, canAct: false };
let aborter = null;
let generation = 0;

// ----- the view in the address: #/sessions?sort=in&desc=1 -----

function readAddress() {
  const [name, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { name: views[name] ? name : 'overview', query: new URLSearchParams(query) };
}

function go(name, query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== null && v !== undefined && v !== '' && v !== false)).toString();
  location.hash = `#/${name}${text ? `?${text}` : ''}`;
}

/** Changes a part of the query. Unless the page changes, the first page is shown. */
function change(part) {
  const { name, query } = readAddress();
  go(name, { ...Object.fromEntries(query), ...(part.page ? {} : { page: null }), ...part });
}

function show() {
  const { name, query } = readAddress();
  const isNew = name !== state.name || query.get('id') !== state.query?.get('id');
  const focused = document.activeElement?.id;
  state.name = name;
  state.query = query;
  const view = views[name];
  setText($('title'), view.title);
  document.title = `${view.title} – MTA-TLS`;
  for (const link of $('tabs').children) {
    link.toggleAttribute('aria-current', false);
    if (link.dataset.view === (view.tab ?? name)) {
      link.setAttribute('aria-current', 'page');
    }
  }
  state.view = view.create({ query: Object.fromEntries(query), go, change, history: history_, act, hint, canAct: () => state.canAct });
  $('view').replaceChildren(el('p', { class: 'soft', 'aria-busy': 'true' }, 'Loading …'));
  state.isShown = false;
  if (isNew && state.hasShown) {
    $('main').focus();
  } else if (focused) {
    state.focus = focused;
  }
  state.hasShown = true;
  watch();
}

// ----- the stream of frames -----

function setState(name, text) {
  $('state').dataset.state = name;
  setText($('state'), text);
  document.body.classList.toggle('stale', name === 'lost');
}

function onFrame(frame) {
  if (frame.view !== (views[state.name].source ?? state.name)) {
    return;
  }
  state.frame = frame;
  const mayNow = frame.canAct !== state.canAct;
  state.canAct = frame.canAct;
  history_.add(frame.overview ? frame.overview.points : [frame.now]);
  setText($('host'), `${plain(frame.host)}`);
  setText($('foot'), `MtaTls.Dashboard ${frame.version} · ${frame.viewers} watching · counts since ${clock(frame.since)}`);
  if (mayNow) {
    state.view = views[state.name].create({ query: Object.fromEntries(state.query), go, change, history: history_, act, hint, canAct: () => state.canAct });
    state.isShown = false;
  }
  if (!state.isShown) {
    $('view').replaceChildren(state.view.root);
    state.isShown = true;
  }
  state.view.update(frame);
  if (state.focus) {
    $(state.focus)?.focus();
    state.focus = null;
  }
}

async function read(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  let again = false;
  while (!signal.aborted) {
    const { value, done } = await reader.read();
    if (done) {
      return again;
    }
    buffer += value;
    let end;
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const message = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (message.startsWith('event: again')) {
        again = true;
      } else if (message.startsWith('data: ') && !signal.aborted) {
        setState('live', 'Live');
        onFrame(JSON.parse(message.slice(6)));
      }
    }
  }
  return again;
}

async function watch() {
  aborter?.abort();
  const own = ++generation;
  let failures = 0;
  while (own === generation) {
    aborter = new AbortController();
    const { signal } = aborter;
    let reason = 'The connection was lost';
    let delay = Math.min(1000 * 2 ** failures, 15000);
    try {
      const query = new URLSearchParams(state.query);
      query.set('view', views[state.name].source ?? state.name);
      const response = await fetch(`api/stream?${query}`, { signal, cache: 'no-store', redirect: 'manual' });
      if (response.ok) {
        failures = 0;
        hideError();
        if (await read(response, signal)) {
          continue;
        }
        delay = 1000;
      } else if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403 || response.status === 404) {
        reason = 'You no longer have access to this page';
        delay = 15000;
        showError('You no longer have access to this page. Sign in and load it again.');
      } else {
        const message = await response.json().catch(() => null);
        reason = 'The server refused the request';
        showError(message?.error ?? `The server answered ${response.status}.`);
        delay = 5000;
      }
    } catch (error) {
      if (own !== generation || error.name === 'AbortError') {
        return;
      }
    }
    failures++;
    for (let left = Math.ceil(delay / 1000); left > 0 && own === generation; left--) {
      setState('lost', `${reason}; next attempt in ${left} s`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    if (own === generation) {
      setState('lost', `${reason}; trying again …`);
    }
  }
}

// ----- messages and actions -----

function showError(text) {
  $('notice').hidden = false;
  setText($('notice'), text);
}

function hideError() {
  $('notice').hidden = true;
}

function hint(text) {
  showError(text);
  setTimeout(hideError, 8000);
}

/** Asks for confirmation, then posts. */
async function act(question, text, path) {
  if (!(await confirm_(question, text))) {
    return null;
  }
  try {
    return await actions.post(path);
  } catch (error) {
    hint(error.message);
    return null;
  }
}

function confirm_(question, text) {
  const dialog = $('dialog');
  setText($('dialog-title'), question);
  setText($('dialog-text'), plain(text));
  setText($('dialog-yes'), question.replace(/\?$/, ''));
  dialog.showModal();
  return new Promise((resolve) => {
    const close = (answer) => () => {
      dialog.close();
      resolve(answer);
    };
    $('dialog-yes').onclick = close(true);
    $('dialog-no').onclick = close(false);
    dialog.oncancel = () => resolve(false);
  });
}

// ----- light and dark -----

const themes = ['system', 'light', 'dark'];

function applyTheme(theme) {
  if (theme === 'system') {
    document.documentElement.removeAttribute('data-theme');
  } else {
    document.documentElement.dataset.theme = theme;
  }
  setText($('theme'), `Theme: ${theme}`);
  state.view?.redraw?.();
}

function storedTheme() {
  try {
    return themes.includes(localStorage.getItem('mtatls-theme')) ? localStorage.getItem('mtatls-theme') : 'system';
  } catch {
    return 'system';
  }
}

$('theme').addEventListener('click', () => {
  const next = themes[(themes.indexOf(storedTheme()) + 1) % themes.length];
  try {
    localStorage.setItem('mtatls-theme', next);
  } catch {
    // Without storage the choice lasts until the page is loaded again.
  }
  applyTheme(next);
});

for (const [name, view] of Object.entries(views)) {
  if (!view.tab) {
    $('tabs').append(el('a', { href: `#/${name}`, 'data-view': name }, view.title));
  }
}

applyTheme(storedTheme());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => state.view?.redraw?.());
addEventListener('hashchange', show);
show();
