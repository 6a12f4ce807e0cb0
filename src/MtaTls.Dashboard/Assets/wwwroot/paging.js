import { el, number, setText } from './dom.js';

/** The filter above a table. It applies when the user pauses typing. */
export function tools({ query, change, placeholder }, ...more) {
  let timer = null;
  const input = el('input', { type: 'search', id: 'filter', maxlength: '200', placeholder, value: query.filter ?? '', autocomplete: 'off' });
  const apply = () => {
    // The user may have changed to another view meanwhile.
    if (input.isConnected) {
      change({ filter: input.value.trim() || null });
    }
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 400);
  });
  input.addEventListener('keydown', (e) => {
    if (e.key === 'Enter') {
      clearTimeout(timer);
      apply();
    }
  });
  // When the view is created again, the caret stays at the end of the text.
  input.addEventListener('focus', () => input.setSelectionRange(input.value.length, input.value.length));
  return { root: el('div', { class: 'tools', role: 'search' }, el('label', { for: 'filter' }, 'Filter', input), ...more) };
}

export function pager(change) {
  let now = { page: 1, pages: 1 };
  const before = el('button', { type: 'button', id: 'page-before', class: 'act secondary', onclick: () => change({ page: now.page - 1 }) }, 'Previous');
  const after = el('button', { type: 'button', id: 'page-after', class: 'act secondary', onclick: () => change({ page: now.page + 1 }) }, 'Next');
  const text = el('span');
  const root = el('nav', { class: 'pager', 'aria-label': 'Pages' }, before, text, after);
  return {
    root,
    update(state) {
      now = state;
      root.hidden = state.pages <= 1;
      before.disabled = state.page <= 1;
      after.disabled = state.page >= state.pages;
      setText(text, `Page ${number(state.page)} of ${number(state.pages)}`);
    },
  };
}
