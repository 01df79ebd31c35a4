// From a call of the page to one event of the tracking API. Pure: the page, the time and the ids are arguments.
// Absent: the anonymousId. It is known only when the collector has said who this browser is (visitor.ts), so delivery adds it.

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

const fields = (value: unknown): Fields => (isFields(value) ? value : {});

/** An id as text; what is absent, empty or an object is none. */
export function idOf(value: unknown): string | undefined {
  return value == null || value === "" || typeof value === "object" ? undefined : String(value);
}

export function track([event, properties, options]: unknown[], around: Circumstances): Fields {
  return common("track", { event: String(event), properties: fields(properties) }, options, around);
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

/** The userId is taken from `around`: the visitor's, which this call has just set. */
export function identify(values: unknown[], around: Circumstances): Fields {
  const [traits, options] = isFields(values[0]) ? values : values.slice(1);
  return common("identify", { traits: fields(traits) }, options, around);
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
