// What may fail without being anybody's mistake. Absent: errors of ours, which are told (dom.ts).

/** What fails here is missing, forbidden, full, or somebody else's text: then there is nothing. */
export function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
