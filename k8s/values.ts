/** Values of a Helm chart: a tree of plain objects whose leaves are scalars, lists or Pulumi outputs. */
export interface Values {
  [key: string]: unknown;
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * The user's values over ours, as Helm merges: maps key by key, lists and scalars whole. A `null` takes a key of ours
 * out, so that the chart's own default is used. Neither argument is changed.
 */
export function mergeValues(ours: Values, users: Values = {}): Values {
  const merged: Values = { ...ours };
  for (const [key, value] of Object.entries(users)) {
    const own = merged[key];
    if (value === null) delete merged[key];
    else if (isMap(value)) merged[key] = mergeValues(isMap(own) ? own : {}, value);
    else merged[key] = value;
  }
  return merged;
}
