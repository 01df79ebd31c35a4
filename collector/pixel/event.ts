// From a call of the page to one event of the tracking API. Pure: the page, the time, the ids and what is known of the visitor are
// arguments. Absent: the anonymousId. It is known only when the collector has said who this browser is (visitor.ts), so delivery
// adds it.

export type Fields = Record<string, unknown>;

export interface Page {
  path: string;
  referrer: string;
  search: string;
  title: string;
  url: string;
}

export interface Circumstances {
  page: Page;
  context: Fields;
  messageId: string;
  timestamp: string;
  userId: string | undefined;
}

export interface Options {
  context?: Fields;
  integrations?: Fields;
  timestamp?: string | Date;
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

export const fields = (value: unknown): Fields => (isFields(value) ? value : {});

/** An id as text; what is absent, empty or an object is none. */
export function idOf(value: unknown): string | undefined {
  return value == null || value === "" || typeof value === "object" ? undefined : String(value);
}

/** What is said of somebody: (id, traits, options) or (traits, options). */
export function said(values: unknown[]): [id: unknown, traits: unknown, options: unknown] {
  return (isFields(values[0]) ? [undefined, ...values] : values) as [unknown, unknown, unknown];
}

export function track([event, properties, options]: unknown[], around: Circumstances): Fields {
  const name = idOf(event);
  if (!name) throw new TypeError("track: an event has a name"); // a warning on the console, and no event that nobody can name
  return common("track", { event: name, properties: fields(properties) }, options, around);
}

/** page(), page(properties), page(name, …), page(category, name, …) */
export function page(values: unknown[], around: Circumstances): Fields {
  const first = values.findIndex(isFields);
  const [properties, options] = first < 0 ? [] : values.slice(first);
  const names = values.slice(0, first < 0 ? 2 : first).filter((value) => typeof value === "string");
  const name = names.pop();
  const named: Fields = { ...(name && { name }), ...(names[0] && { category: names[0] }) };
  return common("page", { ...named, properties: { ...around.page, ...fields(properties), ...named } }, options, around);
}

/** `around` has the user as this call has just made him, `traits` all that is known of him. */
export function identify(traits: Fields, options: unknown, around: Circumstances): Fields {
  return common("identify", { traits }, options, around);
}

export function group(known: { groupId: string | undefined; traits: Fields }, options: unknown, around: Circumstances): Fields {
  return common("group", known, options, around);
}

/** alias(id, previousId, options) or alias(id, options). Without a previous id it is the user's, else the browser's (queue.ts). */
export function alias([id, previous, ...rest]: unknown[], around: Circumstances): Fields {
  const options = isFields(previous) ? previous : rest[0];
  return common("alias", { userId: idOf(id), previousId: idOf(previous) || around.userId }, options, around);
}

function common(type: string, own: Fields, options: unknown, around: Circumstances): Fields {
  const { context, integrations, timestamp } = fields(options) as Options;
  return {
    type,
    messageId: around.messageId,
    timestamp: timestamp || around.timestamp,
    userId: around.userId,
    ...own,
    context: { ...around.context, page: around.page, ...context },
    integrations,
  };
}
