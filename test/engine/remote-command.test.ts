/** remote.Command against an SSH server, without the Pulumi engine: dials, host keys, environment, errors. */
import { setTimeout as delay } from "node:timers/promises";
import { remoteCommandType } from "../../lab/plugins/command/remote-command";
import type { Context } from "../../lab/plugins/server/provider";
import { checkProperties } from "../../lab/plugins/server/schema";
import { SshServer, sshKey } from "./ssh-server";

jest.setTimeout(20_000);

let server: SshServer;
let port: number;

beforeEach(async () => {
  server = new SshServer();
  port = await server.listen();
});

afterEach(() => server.close());

/** A context that keeps what was logged. */
function context(signal = new AbortController().signal, secretInputs: string[] = []) {
  const lines: string[] = [];
  const log: Context["log"] = (level, message, ephemeral) =>
    lines.push(`${level}${ephemeral ? " (status)" : ""}: ${message}`);
  return { lines, ctx: { name: "test", signal, secretInputs, log } as unknown as Context };
}

function inputs(more: object = {}, connection: object = {}) {
  const { private: privateKey } = server.userKey;
  const complete = {
    host: "127.0.0.1",
    port,
    user: "tester",
    privateKey,
    hostKey: server.hostKey.public,
    ...connection,
  };
  const checked = checkProperties(remoteCommandType.inputs ?? {}, { connection: complete, ...more });
  expect(checked.failures).toEqual([]);
  return checked.inputs as Parameters<typeof remoteCommandType.create>[0];
}

test("output, input and status lines are those of the command", async () => {
  const { ctx, lines } = context();
  const create = "cat; echo careful >&2; printf 'no newline'";
  const { id, state } = await remoteCommandType.create(inputs({ create, stdin: "given\n" }), ctx);
  expect(id).toMatch(/^test[0-9a-f]{8}$/);
  expect(state).toMatchObject({ stdout: "given\nno newline", stderr: "careful" });
  expect(lines.sort()).toEqual(["info (status): careful", "info (status): given", "info (status): no newline"]);
});

test("logging chooses the streams that are shown", async () => {
  const { ctx, lines } = context();
  await remoteCommandType.create(inputs({ create: "echo a; echo b >&2", logging: "stderr" }), ctx);
  await remoteCommandType.create(inputs({ create: "echo a; echo b >&2", logging: "none" }), ctx);
  expect(lines).toEqual(["info (status): b"]);
});

test("a failing command says how it ended and what it printed last, in both streams", async () => {
  const create = "echo step one; echo no such package >&2; exit 7";
  await expect(remoteCommandType.create(inputs({ create }), context().ctx)).rejects.toThrow(
    /^Process exited with status 7: running "echo step one.*":\n(step one\nno such package|no such package\nstep one)$/s,
  );
  await expect(
    remoteCommandType.create(inputs({ create: "kill -9 $$" }), context(undefined, ["create"]).ctx),
  ).rejects.toThrow("Process exited from signal KILL: running a secret command:");
});

test("a wrong host key is refused, and nothing is sent", async () => {
  const wrong = inputs({ create: "true" }, { hostKey: sshKey().public, dialErrorLimit: 1 });
  await expect(remoteCommandType.create(wrong, context().ctx)).rejects.toThrow(
    /after 1 failed attempts: Dial tester@127.0.0.1:\d+: the host key is not the expected one/,
  );
  expect(server.commands).toEqual([]);
  const unreadable = inputs({ create: "true" }, { hostKey: "nonsense", dialErrorLimit: -1 });
  await expect(remoteCommandType.create(unreadable, context().ctx)).rejects.toThrow("hostKey can't be read");
});

test("without a host key the server is not verified; a wrong user key is refused", async () => {
  await remoteCommandType.create(inputs({ create: "true" }, { hostKey: undefined }), context().ctx);
  const stranger = inputs({ create: "true" }, { privateKey: sshKey().private, dialErrorLimit: 0 });
  await expect(remoteCommandType.create(stranger, context().ctx)).rejects.toThrow(/authentication methods failed/);
});

test("dialErrorLimit -1 waits for a server that comes late, a limit gives up", async () => {
  server.close();
  const few = inputs({ create: "true" }, { dialErrorLimit: 2 });
  await expect(remoteCommandType.create(few, context().ctx)).rejects.toThrow(/after 2 failed attempts: .*ECONNREFUSED/);
  const late = new SshServer();
  const connection = { hostKey: late.hostKey.public, privateKey: late.userKey.private, dialErrorLimit: -1 };
  const { ctx, lines } = context();
  const created = remoteCommandType.create(inputs({ create: "echo at last" }, connection), ctx);
  await delay(700);
  await late.listen(port);
  expect((await created).state).toMatchObject({ stdout: "at last" });
  expect(lines[0]).toBe("info (status): Dial 1/inf failed: retrying");
  late.close();
});

test("a cancel ends dialling and running commands at once", async () => {
  const controller = new AbortController();
  const running = remoteCommandType.create(inputs({ create: "sleep 60" }), context(controller.signal).ctx);
  while (server.commands.length === 0) await delay(20);
  controller.abort(new Error("cancelled"));
  await expect(running).rejects.toThrow("cancelled");
  server.close();
  const dialling = new AbortController();
  const waiting = remoteCommandType.create(
    inputs({ create: "true" }, { dialErrorLimit: -1 }),
    context(dialling.signal).ctx,
  );
  await delay(300);
  dialling.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow(/failed attempts, the last: Dial .*ECONNREFUSED|Dial .*ECONNREFUSED/);
});

test("a refused variable is an error before anything runs, an accepted one arrives", async () => {
  const create = 'echo "$LC_COLOUR"';
  const { state } = await remoteCommandType.create(
    inputs({ create, environment: { LC_COLOUR: "red" } }),
    context().ctx,
  );
  expect(state).toMatchObject({ stdout: "red" });
  const refused = inputs({ create, environment: { COLOUR: "red" } });
  await expect(remoteCommandType.create(refused, context().ctx)).rejects.toThrow(/variable COLOUR \(AcceptEnv\)/);
  expect(server.commands.filter((command) => command === create)).toHaveLength(1);
});

test("an update runs update, or else create, and offers the previous output", async () => {
  const news = inputs({ create: "echo again", addPreviousOutputInEnv: true });
  const old = { id: "test", state: { ...news, stdout: "before", stderr: "" }, inputs: {} };
  const { ctx, lines } = context();
  expect(await remoteCommandType.update?.(old, news, ctx)).toMatchObject({ stdout: "again" });
  expect(lines[0]).toMatch(/^warning: .*PULUMI_COMMAND_STDOUT/);
  const changed = { ...news, update: "echo changed", addPreviousOutputInEnv: false };
  expect(await remoteCommandType.update?.(old, changed, context().ctx)).toMatchObject({ stdout: "changed" });
  await remoteCommandType.delete?.({ ...old, state: { ...changed, delete: "echo gone" } }, context().ctx);
  expect(server.commands.at(-1)).toBe("echo gone");
});

test("a server behind another is reached through it", async () => {
  const jump = new SshServer();
  const proxy = { host: "127.0.0.1", port: await jump.listen(), user: "tester", hostKey: jump.hostKey.public };
  const connection = { proxy: { ...proxy, privateKey: jump.userKey.private } };
  const { state } = await remoteCommandType.create(inputs({ create: "echo through" }, connection), context().ctx);
  expect(state).toMatchObject({ stdout: "through" });
  expect([jump.dialled, server.dialled]).toEqual([1, 1]);
  jump.close();
});

test("unknown properties of the connection are refused", () => {
  const wrong = { connection: { host: "h", hostkey: "k" }, creat: "true" };
  const { failures } = checkProperties(remoteCommandType.inputs ?? {}, wrong);
  expect(failures.map(({ property }) => property)).toEqual(["connection.hostkey", "creat"]);
});
