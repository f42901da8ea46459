// Talking to the server that sent this page. Ids only; every refusal is an Error with the server's own words.

import { changed, state } from "./state.js";

/** The server was asked and said no. */
export class Refusal extends Error {
  constructor(status, { error = "The server refused", hint = "" } = {}) {
    super(error);
    this.status = status;
    this.hint = hint;
  }
}

/** The server could not be asked: it is gone, or the network is. */
export class Unreachable extends Error {}

export async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (reason) {
    if (reason.name === "AbortError") throw reason;
    changed({ connection: "gone" });
    throw new Unreachable(reason.message);
  }
  if (response.status === 401) changed({ connection: "stranger" });
  else if (state.connection) changed({ connection: "" });
  if (!response.ok && response.status !== 304) throw new Refusal(response.status, await response.json().catch(() => ({})));
  return response;
}

export const get = async (path, signal) => (await answer(path, { signal })).json();

export async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  return (await answer(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

/** The columns, or null where they are still those of `generation`. */
export async function columns(generation) {
  const headers = generation ? { "If-None-Match": `"${generation}"` } : {};
  const response = await answer("/api/library", { headers, cache: "no-store" });
  return response.status === 304 ? null : response.arrayBuffer();
}

const hex = (key) => key.toString(16).padStart(8, "0");
export const thumb = (library, place) => `/thumb/${library.id[place]}/${hex(library.key[place])}`;
export const picture = (library, place) => `/view/${library.id[place]}/${hex(library.key[place])}`;

const details = new Map();

/** What the server knows of one photo; asked once until `forget` is called. */
export function photo(id) {
  if (!details.has(id)) {
    if (details.size > 500) details.clear();
    const asked = get(`/api/photo/${id}`);
    asked.catch(() => details.delete(id));
    details.set(id, asked);
  }
  return details.get(id);
}

/** What was asked for, or null where the server does not say: that it is gone is told elsewhere. */
export async function orNull(asked) {
  try {
    return await asked;
  } catch (reason) {
    if (reason instanceof Unreachable || reason instanceof Refusal) return null;
    throw reason;
  }
}

export const known = (id) => orNull(photo(id));

export const forget = (ids) => ids.forEach((id) => details.delete(id));
export const forgetAll = () => details.clear();
