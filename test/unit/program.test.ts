import { folderSuite } from "./folder-suite";

folderSuite("program");
