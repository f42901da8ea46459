// Parts of the page that are fetched on first use. Where the server is gone by then, that is told, and nothing breaks.

import { changed } from "./state.js";

/** The module that `load` imports, or null. */
export async function lazy(load) {
  try {
    return await load();
  } catch (reason) {
    if (!(reason instanceof TypeError)) throw reason; // what an import that could not be fetched throws
    changed({ connection: "gone" });
    return null;
  }
}
