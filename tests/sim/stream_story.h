// SPDX-License-Identifier: Apache-2.0
//
// A story about one stream, S: the subjects of the API that such stories use most.
#pragma once

#include "story.h"

#define CREATE "$JS.API.STREAM.CREATE.S"
#define UPDATE "$JS.API.STREAM.UPDATE.S"
#define INFO   "$JS.API.STREAM.INFO.S"
#define PURGE  "$JS.API.STREAM.PURGE.S"
#define GET    "$JS.API.STREAM.MSG.GET.S"
