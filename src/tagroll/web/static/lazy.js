// Parts of the page that are fetched on first use, modules and styles. Where the server is gone by then, that is told.

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

/** A module together with the style sheet that it needs, or null. */
export const part = (load, sheet) => lazy(async () => (await Promise.all([load(), style(sheet)]))[0]);

export const panel = () => lazy(() => import("./panel.js"));
export const field = () => part(() => import("./field.js"), "screens.css");
export const broken = async (...where) => (await lazy(() => import("./broken.js")))?.tell(...where);

const asked = new Map();

/** A style sheet that the first screen does not need; there when the promise is. */
export function style(path) {
  if (!asked.has(path)) {
    asked.set(path, new Promise((resolve, reject) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = `/static/${path}`;
      link.onload = resolve;
      // As an import fails.
      link.onerror = () => asked.delete(path) && reject(new TypeError(`${path} did not come`));
      document.head.append(link);
    }));
  }
  return asked.get(path);
}
