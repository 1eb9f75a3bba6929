// SPDX-License-Identifier: Apache-2.0
//
// Copies what is sound of a damaged stream to a new folder, and says what is lost. The old folder is not touched.
//
// Two walks: the first finds a checkpoint to begin with (the first sound one, in whichever segment, or one made of a
// configuration that is given), the second copies. Later checkpoints begin segments of their own where they stood.
#pragma once

#include "streams.h"

int salvage_stream(const struct request *request, const char *folder);
