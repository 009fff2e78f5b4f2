/** RandomString and RandomPassword: characters of chosen classes, with a least number of each. */
import { randomInt } from "node:crypto";
import { hash } from "bcryptjs";
import type { Checked, Failure, Properties, ResourceType } from "../server/provider";
import type { PropertySchema } from "../server/schema";

interface StringInputs {
  length: number;
  lower?: boolean;
  upper?: boolean;
  numeric?: boolean;
  number?: boolean;
  special?: boolean;
  minLower?: number;
  minUpper?: number;
  minNumeric?: number;
  minSpecial?: number;
  overrideSpecial?: string;
  keepers?: Record<string, string>;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const NUMERIC = "0123456789";
// The set that the option `special` is documented with.
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

const flag: PropertySchema = { type: "boolean", replace: true };
const least: PropertySchema = { type: "integer", min: 0, replace: true };

/** Every change makes a new value, as with the upstream provider. */
export const keepers: PropertySchema = { type: "map", items: { type: "string" }, replace: true };

const inputs: Record<string, PropertySchema> = {
  length: { type: "integer", min: 1, required: true, replace: true },
  lower: flag,
  upper: flag,
  numeric: flag,
  number: flag,
  special: flag,
  minLower: least,
  minUpper: least,
  minNumeric: least,
  minSpecial: least,
  overrideSpecial: { type: "string", replace: true },
  keepers,
};

/** `random.RandomString`; its id is the string. */
export const randomStringType: ResourceType<StringInputs> = {
  inputs,
  outputs: ["result"],
  check: checkString,
  async create(news) {
    const result = randomString(news);
    return { id: result, state: { ...withDefaults(news), result } };
  },
};

/** `random.RandomPassword`: like RandomString, but secret, with a bcrypt hash of the first 72 bytes. */
export const randomPasswordType: ResourceType<StringInputs> = {
  inputs,
  outputs: ["result", "bcryptHash"],
  secretOutputs: ["result", "bcryptHash"],
  check: checkString,
  async create(news) {
    const result = randomString(news);
    const bcryptHash = await hash(result, 10);
    // The id is shown: it can't be the password.
    return { id: "none", state: { ...withDefaults(news), result, bcryptHash } };
  },
};

function withDefaults(news: StringInputs) {
  const numeric = news.numeric ?? news.number ?? true;
  const classes = { lower: true, upper: true, special: true, minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 };
  return { ...classes, ...news, numeric, number: numeric };
}

function checkString(news: Properties): Checked {
  const failures: Failure[] = [];
  const known = Object.fromEntries(Object.entries(news).filter(([, value]) => typeof value !== "object"));
  const all = withDefaults(known as unknown as StringInputs);
  const { lower, upper, numeric, special, length } = all;
  if (
    typeof known["numeric"] === "boolean" &&
    typeof known["number"] === "boolean" &&
    known["numeric"] !== known["number"]
  ) {
    failures.push({ property: "number", reason: "contradicts numeric; set numeric only" });
  }
  if (!lower && !upper && !numeric && !special) {
    failures.push({ property: "", reason: "one of lower, upper, numeric, special has to be true" });
  }
  const sum = all.minLower + all.minUpper + all.minNumeric + all.minSpecial;
  if (typeof length === "number" && length < sum) {
    const reason = `has to be at least minLower + minUpper + minNumeric + minSpecial = ${sum}, not ${length}`;
    failures.push({ property: "length", reason });
  }
  return { inputs: news, failures };
}

/** A string of these options from the system's cryptographic source. */
export function randomString(options: StringInputs): string {
  const all = withDefaults(options);
  const special = all.overrideSpecial || SPECIAL;
  const classes: [boolean, string, number][] = [
    [all.lower, LOWER, all.minLower],
    [all.upper, UPPER, all.minUpper],
    [all.numeric, NUMERIC, all.minNumeric],
    [all.special, special, all.minSpecial],
  ];
  const every = classes.map(([used, characters]) => (used ? characters : "")).join("");
  const result = classes.flatMap(([, characters, count]) => pick(characters, count));
  result.push(...pick(every, all.length - result.length));
  return shuffle(result).join("");
}

function pick(characters: string, count: number): string[] {
  const choice = Array.from(characters);
  return Array.from({ length: count }, () => choice[randomInt(choice.length)] ?? "");
}

/** Fisher-Yates: the characters asked for must not stand at the front. */
function shuffle(items: string[]): string[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [items[last], items[other]] = [items[other] ?? "", items[last] ?? ""];
  }
  return items;
}
