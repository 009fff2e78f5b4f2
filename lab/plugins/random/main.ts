/** The lab's plugin for `@pulumi/random`: RandomString, RandomPassword, RandomBytes, RandomId. */
import { version } from "@pulumi/random/package.json";
import { serve } from "../server/serve";
import { randomBytesType, randomIdType } from "./bytes";
import { randomPasswordType, randomStringType } from "./string";

serve({
  name: "random",
  version,
  configuration: {},
  resources: {
    "random:index/randomString:RandomString": randomStringType,
    "random:index/randomPassword:RandomPassword": randomPasswordType,
    "random:index/randomBytes:RandomBytes": randomBytesType,
    "random:index/randomId:RandomId": randomIdType,
  },
});
