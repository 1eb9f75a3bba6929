// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include "clock.h"

#include <stdlib.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, DRAW_EVERY_MS = 100 };

void progress_begin(struct progress *progress, const char *what, enum show_kind kind, uint64_t total)
{
    *progress = (struct progress){.what = what,
                                  .kind = kind,
                                  .total = total,
                                  .begun_ns = clock_mono_ns(),
                                  .visible = isatty(STDERR_FILENO) != 0};
}

static char *text_of(double number, enum show_kind kind)
{
    json_t *value = json_integer((json_int_t)number);
    char *text = show_text(value, kind);
    json_decref(value);
    return text;
}

static void draw_bar(const struct progress *progress)
{
    const double part = progress->total ? (double)progress->done / (double)progress->total : 0;
    const int filled = (int)((part > 1 ? 1 : part) * BAR_WIDTH);
    static const char marks[] = "##############################";
    static const char dots[] = "..............................";
    (void)fprintf(stderr, " [%.*s%.*s] %3.0f%%", filled, marks, BAR_WIDTH - filled, dots, 100 * part);
}

static void draw(struct progress *progress, int64_t now_ns)
{
    const double seconds = (double)(now_ns - progress->begun_ns) / 1e9;
    char *done = text_of((double)progress->done, progress->kind);
    char *rate = text_of(seconds > 0 ? (double)progress->done / seconds : 0, progress->kind);
    progress->drawn_ns = now_ns;
    (void)fprintf(stderr, "\r%s", progress->what);
    if (progress->total)
        draw_bar(progress);
    (void)fprintf(stderr, "  %s, %s/s\033[K", done, rate);
    free(done);
    free(rate);
}

void progress_update(struct progress *progress, uint64_t done)
{
    progress->done = done;
    if (!progress->visible)
        return;
    const int64_t now_ns = clock_mono_ns();
    if (now_ns - progress->drawn_ns >= DRAW_EVERY_MS * INT64_C(1000000))
        draw(progress, now_ns);
}

void progress_end(struct progress *progress)
{
    if (!progress->visible)
        return;
    draw(progress, clock_mono_ns());
    (void)fputc('\n', stderr);
}
