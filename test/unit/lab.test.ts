import { folderSuite } from "./folder-suite";

folderSuite("lab");
