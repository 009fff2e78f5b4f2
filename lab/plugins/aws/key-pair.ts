import { randomBytes } from "node:crypto";

import { deleteKeyPair, findKeyPair, importKeyPair } from "../../ec2/model/key-pair";
import type { KeyPair } from "../../ec2/model/state";
import { arn } from "./account";
import { autoName, defineType, text } from "./noun";

/** `aws.ec2.KeyPair`; its id is its name. */
export const keyPairType = defineType<KeyPair>({
  title: "EC2 Key Pair",
  calls: { create: "ImportKeyPair", delete: "DeleteKeyPair" },
  inputs: {
    keyName: { type: "string", replace: true, min: 1, max: 255 },
    keyNamePrefix: { type: "string", replace: true, max: 229 },
    publicKey: { type: "string", required: true, replace: true },
  },
  outputs: ["arn", "fingerprint", "keyName", "keyNamePrefix", "keyPairId", "keyType"],
  tagged: true,
  check(inputs, olds, ctx) {
    if (inputs.keyName !== undefined && inputs.keyNamePrefix !== undefined) {
      return [{ property: "keyNamePrefix", reason: "conflicts with keyName: give one of them" }];
    }
    if (inputs.keyNamePrefix === undefined) {
      inputs.keyName ??= autoName(ctx, olds, "keyName", randomBytes(4).toString("hex"));
    }
    return [];
  },
  async create(inputs, account) {
    const request = {
      name: text(inputs, "keyName") ?? `${String(inputs.keyNamePrefix)}${randomBytes(13).toString("hex")}`,
      publicKey: String(inputs.publicKey),
      tags: { ...(inputs.tagsAll as Record<string, string>) },
    };
    return (await account.cloud().change((state) => importKeyPair(state, request))).name;
  },
  find: (state, { id }) => findKeyPair(state, id),
  describe: (pair, _state, account, known) => ({
    arn: arn(account, `key-pair/${pair.name}`),
    keyName: pair.name,
    keyNamePrefix: text(known, "keyNamePrefix") ?? "",
    keyPairId: pair.id,
    keyType: pair.type,
    fingerprint: pair.fingerprint,
  }),
  observe: (pair) => ({ keyName: pair.name, publicKey: pair.publicKey }),
  async delete({ id }, account) {
    await account.cloud().change((state) => deleteKeyPair(state, id));
  },
});
