/** The lab's random and tls plugins under the real engine: previews, secrets, replacement, refresh, destroy. */
import { Project, summary } from "./pulumi";

jest.setTimeout(120_000);

let project: Project;
let first: Record<string, string>;

beforeAll(async () => {
  project = await Project.create("values");
});

afterAll(() => project?.remove());

test("a preview makes nothing and knows nothing that only an update can know", async () => {
  const { code, text } = await project.pulumi("preview");
  expect(text).toContain("the program says hello");
  expect(text).not.toContain("using pulumi-language-nodejs from $PATH");
  expect(code).toBe(0);
  expect(summary(text)).toEqual({ "to create": 7 });
  expect(text).toMatch(/plain *: \[unknown\]/);
  const { resources } = await project.state();
  expect(resources).toEqual({});
});

test("an update makes what was asked for, and secrets are in no output and no state", async () => {
  const { code, text } = await project.up();
  expect({ code, ...summary(text) }).toEqual({ code: 0, created: 7 });
  first = await project.outputs();
  expect(first["plain"]).toMatch(/^[a-z0-9]{16}$/);
  expect(first["plain"]?.replace(/\D/g, "").length).toBeGreaterThanOrEqual(4);
  expect(first["hidden"]).toMatch(/^[\w-]{24}$/);
  expect(first["hex"]).toMatch(/^[0-9a-f]{64}$/);
  expect(first["id"]).toMatch(/^daybreak-[0-9a-f]{8}$/);
  expect(first["certificate"]).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
  const { text: state, resources } = await project.state();
  for (const name of ["hidden", "hex", "derived"]) {
    const value = first[name] ?? "";
    expect(text).not.toContain(value);
    expect(state).not.toContain(value);
  }
  expect(state).not.toContain("PRIVATE KEY");
  expect(text).toMatch(/derived *: \[secret\]/);
  expect(resources["password"]?.outputs).toMatchObject({ result: { ciphertext: expect.any(String) as string } });
});

test("a second update changes nothing, a refresh finds nothing changed", async () => {
  const again = await project.up();
  expect({ code: again.code, ...summary(again.text) }).toEqual({ code: 0, unchanged: 7 });
  const refresh = await project.pulumi("refresh", "--yes", "--skip-preview");
  expect({ code: refresh.code, ...summary(refresh.text) }).toEqual({ code: 0, unchanged: 7 });
});

test("changed keepers and subjects replace, all else stays", async () => {
  await project.configure({ round: "2" });
  const preview = await project.pulumi("preview");
  expect(summary(preview.text)).toEqual({ "to replace": 2, unchanged: 5 });
  const { code, text } = await project.up();
  expect({ code, ...summary(text) }).toEqual({ code: 0, replaced: 2, unchanged: 5 });
  const { plain, certificate, hidden, id } = await project.outputs();
  expect(plain).not.toBe(first["plain"]);
  expect(certificate).not.toBe(first["certificate"]);
  expect({ hidden, id }).toEqual({ hidden: first["hidden"], id: first["id"] });
});

test("unknown properties and wrong values are refused, all at once", async () => {
  const { code, text } = await project.up("--config", "wrong=true");
  expect(code).not.toBe(0);
  expect(text).toMatch(/lenght.*no such property/);
  expect(text).toMatch(/length.*at least 1/);
  expect(text).toMatch(/keepers\.a.*has to be a string/);
  await project.expect("config", "rm", "wrong");
});

test("destroy leaves nothing", async () => {
  const { code, text } = await project.pulumi("destroy", "--yes", "--skip-preview");
  expect({ code, ...summary(text) }).toEqual({ code: 0, deleted: 7 });
  expect((await project.state()).resources).toEqual({});
});
