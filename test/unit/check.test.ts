import { folderSuite } from "./folder-suite";

folderSuite("check");
