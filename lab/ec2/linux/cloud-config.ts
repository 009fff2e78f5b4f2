import { parse } from "yaml";
import { z } from "zod";

/** What a machine's user data asks for, of the parts of cloud-init that the lab plays. */
export interface CloudConfig {
  hostname?: string;
  /** Public keys for the user `ubuntu`, besides the key pair's. */
  authorizedKeys: string[];
  /** The machine's own SSH keys, by file name below /etc/ssh. Empty: it makes its own. */
  hostKeys: Record<string, string>;
  files: CloudFile[];
}

export interface CloudFile {
  path: string;
  content: Buffer;
  mode: number;
  owner: string;
  group?: string;
  append: boolean;
}

const hostKeyKinds = ["rsa", "ecdsa", "ed25519"].flatMap((kind) => [`${kind}_private`, `${kind}_public`]);

const fileSchema = z.strictObject({
  path: z.string().startsWith("/"),
  content: z.string().default(""),
  encoding: z.enum(["text/plain", "b64", "base64"]).default("text/plain"),
  permissions: z
    .string()
    .regex(/^0?[0-7]{3,4}$/)
    .default("0644"),
  owner: z.string().default("root:root"),
  append: z.boolean().default(false),
});

const schema = z.strictObject({
  hostname: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/)
    .optional(),
  ssh_authorized_keys: z.array(z.string()).default([]),
  ssh_keys: z.partialRecord(z.enum(hostKeyKinds), z.string()).default({}),
  write_files: z.array(fileSchema).default([]),
});

/**
 * Reads user data. The lab plays cloud-init's `hostname`, `ssh_authorized_keys`, `ssh_keys` and `write_files`.
 *
 * @throws naming every key that it doesn't play; on AWS such a key would do something that the lab would leave out.
 */
export function parseUserData(userData: string | undefined): CloudConfig {
  if (userData === undefined || userData.trim() === "") return { authorizedKeys: [], hostKeys: {}, files: [] };
  if (!/^#cloud-config\s*$/m.test(userData.split("\n", 1)[0] ?? "")) {
    throw new Error("user data has to start with the line #cloud-config: the lab runs no scripts at boot");
  }
  const result = schema.safeParse(parseYaml(userData));
  if (!result.success) {
    const issues = result.error.issues.map((issue) => `${issue.path.join(".") || "user data"}: ${issue.message}`);
    const played = Object.keys(schema.shape).join(", ");
    throw new Error(`the lab can't play this #cloud-config: ${issues.join("; ")} (it plays ${played})`);
  }
  const { hostname, ssh_authorized_keys, ssh_keys, write_files } = result.data;
  return {
    ...(hostname === undefined ? {} : { hostname }),
    authorizedKeys: ssh_authorized_keys,
    hostKeys: hostKeyFiles(ssh_keys as Record<string, string>),
    files: write_files.map(toFile),
  };
}

/** YAML's own errors quote the text around them, which may be a private key: only the place is told. */
function parseYaml(userData: string): unknown {
  try {
    return parse(userData, { prettyErrors: false }) ?? {};
  } catch (error) {
    const code = (error as { code?: string }).code ?? "not valid";
    throw new Error(`user data is no YAML (${code})`);
  }
}

function hostKeyFiles(keys: Record<string, string>): Record<string, string> {
  const withNewline = (text: string) => (text.endsWith("\n") ? text : `${text}\n`);
  const entries = Object.entries(keys).map(([key, text]) => {
    const [kind, half] = key.split("_");
    return [`ssh_host_${kind}_key${half === "public" ? ".pub" : ""}`, withNewline(text)] as const;
  });
  return Object.fromEntries(entries);
}

function toFile(file: z.infer<typeof fileSchema>): CloudFile {
  const [owner = "root", group] = file.owner.split(":");
  const encoding = file.encoding === "text/plain" ? "utf8" : "base64";
  return {
    path: file.path,
    content: Buffer.from(file.content, encoding),
    mode: Number.parseInt(file.permissions, 8),
    owner,
    ...(group === undefined ? {} : { group }),
    append: file.append,
  };
}
