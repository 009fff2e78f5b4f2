import { readFileSync } from "node:fs";
import { join } from "node:path";

import { provider } from "../../../lab/plugins/aws/provider";
import type { AnyResourceType } from "../../../lab/plugins/server/provider";

const types = provider.resources as Record<string, AnyResourceType>;

/** The `.d.ts` in which the AWS package describes a type: `aws:ec2/vpc:Vpc` → `ec2/vpc.d.ts`. */
function declaration(token: string): string {
  const path = token.split(":")[1] ?? "";
  return readFileSync(join(__dirname, "../../../node_modules/@pulumi/aws", `${path}.d.ts`), "utf8");
}

function argumentsOf(text: string): string[] {
  const body = /^export interface \w+Args \{\n([^]*?)^\}/m.exec(text)?.[1] ?? "";
  return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name]) => name ?? "");
}

function outputsOf(text: string): string[] {
  return [...text.matchAll(/^ {4}readonly (\w+): pulumi\.Output/gm)].map(([, name]) => name ?? "");
}

test.each(Object.keys(types))("%s has no property that AWS doesn't have", (token) => {
  const text = declaration(token);
  const { inputs = {}, outputs = [] } = types[token] ?? {};
  expect(argumentsOf(text)).toEqual(expect.arrayContaining(Object.keys(inputs)));
  expect(outputsOf(text)).toEqual(expect.arrayContaining([...outputs]));
});

test.each(Object.keys(types))("%s fills every output of AWS's that a program could read", (token) => {
  const { inputs = {}, outputs = [] } = types[token] ?? {};
  const known = new Set([...Object.keys(inputs), ...outputs]);
  const missing = outputsOf(declaration(token)).filter((name) => !known.has(name));
  // What is left out belongs to parts of EC2 that the lab doesn't play.
  expect(missing.sort()).toMatchSnapshot();
});
