// The source files of weft as they lie in the repository, for tests of the
// repository itself. Such a test has the data //:WORKSPACE, which shows the
// way, and the tag `external`, since no target lists all of the files.
#pragma once

#include <string>
#include <vector>

namespace weft {

// The folders that hold weft, in no order; not those of tests and examples.
extern const std::vector<std::string> kSourceFolders;

// Paths of all files in `folders` of the repository whose names end in one of
// `suffixes`, relative to its root, sorted.
std::vector<std::string> SourceFiles(const std::vector<std::string>& folders,
                                     const std::vector<std::string>& suffixes);

// The contents of such a file.
std::string ReadSourceFile(const std::string& path);

}  // namespace weft
