// Loaded into the program's process (NODE_OPTIONS=--require): turns the group's rule for traffic between the nodes into
// one for a port that nobody uses, so that the nodes stand behind the security group that the users first had.
const pulumi = require("@pulumi/pulumi");

pulumi.runtime.registerResourceTransform(({ type, props, opts }) => {
  const selfRule = type === "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule" && props.referencedSecurityGroupId;
  return selfRule ? { props: { ...props, ipProtocol: "tcp", fromPort: 1, toPort: 1 }, opts } : undefined;
});
