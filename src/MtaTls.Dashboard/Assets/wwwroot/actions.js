// Actions need an antiforgery token, which only this page can read. The first action fetches it; an action with an expired token fetches it again.

let token = null;

async function send(path) {
  token ??= await get('api/token');
  return fetch(`api/${path}`, { method: 'POST', headers: { [token.header]: token.token }, redirect: 'manual' });
}

async function fail(response) {
  const message = await response.json().catch(() => null);
  throw new Error(message?.error ?? `The server answered ${response.status}.`);
}

export async function get(path) {
  const response = await fetch(path, { cache: 'no-store', redirect: 'manual' });
  return response.ok ? response.json() : fail(response);
}

export const actions = {
  async post(path) {
    let response = await send(path);
    if (response.status === 400) {
      token = null;
      response = await send(path);
    }
    if (!response.ok) {
      return fail(response);
    }
    return response.status === 204 ? {} : response.json();
  },
};
