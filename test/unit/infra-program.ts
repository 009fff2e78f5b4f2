import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  provider: string;
}

/** A public key whose private half nobody has; the hash beside it was made with openssl. */
export const AUTHORITY_PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElWUwpwCbyL0xhvzr/dxOJAZHQ8pT
x44/iXlwR0AKXK2IqDwVrdlZio2u/DdjMSwOy0S828bNnVTFsusBW3jf1g==
-----END PUBLIC KEY-----
`;
export const AUTHORITY_HASH = "sha256:04090f8b3e3b497a5b728d16b4924c3ee9aaee6e6dcf33d9f110d2b58a01b8ca";

/** What the providers would add to a resource's inputs; every secret is a fake that says what it is. */
function computed({ type, name }: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  switch (type) {
    case "tls:index/privateKey:PrivateKey":
      return {
        privateKeyPem: `PRIVATE KEY ${name}\n`,
        publicKeyPem: AUTHORITY_PUBLIC_KEY,
        privateKeyOpenssh: `OPENSSH PRIVATE KEY ${name}\n`,
        publicKeyOpenssh: `ssh-ed25519 ${name}\n`,
      };
    case "tls:index/certRequest:CertRequest":
      return { certRequestPem: `REQUEST ${name}\n` };
    case "tls:index/selfSignedCert:SelfSignedCert":
    case "tls:index/locallySignedCert:LocallySignedCert":
      return { certPem: `CERTIFICATE ${name}\n` };
    case "random:index/randomString:RandomString":
      return { result: "abcdef" };
    case "random:index/randomPassword:RandomPassword":
      return { result: "0123456789abcdef" };
    case "random:index/randomBytes:RandomBytes":
      return { base64: Buffer.alloc(32, 7).toString("base64") };
    case "aws:ec2/eip:Eip":
      return { publicIp: "203.0.113.1", allocationId: "eipalloc-1" };
    case "aws:ec2/instance:Instance":
      return { publicIp: `203.0.113.${name.endsWith("1") ? 11 : 12}` };
    case "aws:ec2/keyPair:KeyPair":
      return { keyName: name };
    case "command:remote:Command":
      return { stdout: "", stderr: "" };
    default:
      return {};
  }
}

/** Resources of the last run, in the order of registration. */
export const registered: Registered[] = [];

const mocks: pulumi.runtime.Mocks = {
  newResource(args) {
    const inputs = args.inputs as Record<string, unknown>;
    registered.push({ type: args.type, name: args.name, inputs, provider: args.provider ?? "" });
    return { id: `${args.name}-id`, state: { ...inputs, ...computed(args) } };
  },
  call({ token, inputs }) {
    if (token.includes("getAvailabilityZones"))
      return { names: ["ap-northeast-2c", "ap-northeast-2a", "ap-northeast-2b"] };
    if (token.includes("getParameter")) return { ...(inputs as object), value: "ami-0123456789abcdef0" };
    throw new Error(`the program calls ${token}`);
  },
};

/** Puts Pulumi's engine aside for mocks; call before anything registers resources. */
export async function mock(stack = "dev"): Promise<void> {
  registered.length = 0;
  await pulumi.runtime.setMocks(mocks, "daybreak", stack, false, "acme");
}

/** Sets the configuration under daybreak:. */
export function configure(values: Record<string, unknown>): void {
  const all = { layer: "infra", adminCidrs: ["198.51.100.10/32", "203.0.113.128/25"], ...values };
  const texts = Object.entries(all).map(([key, value]) => [
    `daybreak:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
}

/** The value of an output, once known. */
export function valueOf<T>(output: pulumi.Input<T>): Promise<T> {
  return new Promise((resolve) => pulumi.output(output).apply((value) => resolve(value as T)));
}

/** Waits until everything that the program set going is registered. */
export async function settled(): Promise<void> {
  let before = -1;
  while (before !== registered.length) {
    before = registered.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The registered resources of one type, by the end of its token. */
export function ofType(type: string): Registered[] {
  return registered.filter((resource) => resource.type.endsWith(type));
}

/** A resource's input, whether it was marked secret or not. */
export function plain(value: unknown): unknown {
  const secret = value as { value?: unknown } | undefined;
  return secret && typeof secret === "object" && "4dabf18193072939515e22adb298388d" in secret ? secret.value : value;
}

/** Whether an input is marked secret. */
export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value;
}
