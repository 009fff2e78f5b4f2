import {
  attachGateway,
  createGateway,
  deleteGateway,
  detachGateway,
  findGateway,
} from "../../ec2/model/internet-gateway";
import { accountId, type Ec2State, type InternetGateway } from "../../ec2/model/state";
import { arn } from "./account";
import { defineType, text } from "./noun";

/** `aws.ec2.InternetGateway`, attached to `vpcId` where one is given. */
export const internetGatewayType = defineType<InternetGateway>({
  title: "EC2 Internet Gateway",
  calls: { create: "CreateInternetGateway", update: "AttachInternetGateway", delete: "DetachInternetGateway" },
  inputs: { vpcId: { type: "string" } },
  outputs: ["arn", "ownerId", "vpcId"],
  tagged: true,
  async create(inputs, account) {
    const gateway = await account.cloud().change((state) => {
      const made = createGateway(state, { tags: { ...(inputs.tagsAll as Record<string, string>) } });
      attachTo(state, made.id, text(inputs, "vpcId"));
      return made;
    });
    return gateway.id;
  },
  find: (state, { id }) => findGateway(state, id),
  describe: (gateway, _state, account) => ({
    arn: arn(account, `internet-gateway/${gateway.id}`),
    ownerId: accountId,
    vpcId: gateway.vpcId ?? "",
  }),
  observe: (gateway) => ({ vpcId: gateway.vpcId }),
  async update(old, inputs, account) {
    await account.cloud().change((state) => attachTo(state, old.id, text(inputs, "vpcId")));
  },
  async delete({ id }, account) {
    await account.cloud().change((state) => {
      attachTo(state, id, undefined);
      deleteGateway(state, id);
    });
  },
});

function attachTo(state: Ec2State, id: string, vpcId: string | undefined): void {
  const { vpcId: present } = findGateway(state, id);
  if (present === vpcId) return;
  if (present !== undefined) detachGateway(state, id, present);
  if (vpcId !== undefined) attachGateway(state, id, vpcId);
}
