// SPDX-License-Identifier: Apache-2.0
#include "consumer_settings.h"

#include "proto/message.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static char *filters[] = {"orders.*", "returns.>"};
static int64_t backoff_ns[] = {10, 20, 30};
static uint8_t listed[] = {5, 1, 1};

static Rill__ConsumerConfig config_of(void)
{
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = config.name = "worker";
    config.description = "packs parcels";
    config.backoff = backoff_ns;
    config.n_backoff = 3;
    config.filter_subjects = filters;
    config.n_filter_subjects = 2;
    return config;
}

static Rill__ConsumerRecord record_of(Rill__ConsumerConfig *config)
{
    Rill__ConsumerRecord record = RILL__CONSUMER_RECORD__INIT;
    record.number = 7;
    record.name = "worker";
    record.config = config;
    record.created_unix_ns = 1234567;
    record.first_sequence = 5;
    return record;
}

static Rill__ConsumerRecord listing_record_of(Rill__ConsumerConfig *config)
{
    Rill__ConsumerRecord record = record_of(config);
    record.has_listed_to = record.has_listed = true;
    record.listed_to = 9;
    record.listed = (ProtobufCBinaryData){.data = listed, .len = sizeof listed};
    return record;
}

static void expect_record(const struct consumer_settings *settings, const Rill__ConsumerRecord *expected)
{
    Rill__ConsumerRecord *record = consumer_settings_record(settings);
    cr_expect(rill_message_equal(&record->base, &expected->base));
    rill_message_free(&record->base);
}

// What somebody asks for is what was given, with its list.
Test(consumer_settings, the_record_comes_back_whole)
{
    Rill__ConsumerConfig config = config_of();
    const Rill__ConsumerRecord records[] = {record_of(&config), listing_record_of(&config)};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct consumer_settings *settings = consumer_settings_create(&records[i]);
        expect_record(settings, &records[i]);
        consumer_settings_destroy(settings);
    }
}

// The list is read where it stands in the packed record; when it goes the rest stays.
Test(consumer_settings, the_list_can_go_alone)
{
    Rill__ConsumerConfig config = config_of();
    const Rill__ConsumerRecord without = record_of(&config), with = listing_record_of(&config);
    struct consumer_settings *settings = consumer_settings_create(&with);
    cr_expect(eq(u64, settings->listed_to, 9));
    cr_expect(rill_bytes_equal(consumer_settings_listed(settings), rill_bytes_of(listed, sizeof listed)));
    consumer_settings_forget_list(settings);
    cr_expect(eq(u64, settings->listed_to, 0));
    cr_expect(eq(sz, consumer_settings_listed(settings).len, 0));
    expect_record(settings, &without);
    consumer_settings_destroy(settings);
}

// What deliveries look at lives as long as the settings do, whatever becomes of the record.
Test(consumer_settings, nothing_is_borrowed_from_the_record)
{
    Rill__ConsumerConfig config = config_of();
    const Rill__ConsumerRecord original = record_of(&config);
    Rill__ConsumerRecord *record = (Rill__ConsumerRecord *)rill_message_copy(&original.base);
    struct consumer_settings *settings = consumer_settings_create(record);
    rill_message_free(&record->base);
    cr_expect(eq(str, settings->name, "worker"));
    cr_assert(eq(u32, settings->filter_count, 2));
    for (size_t i = 0; i < 2; i++)
        cr_expect(rill_bytes_equal_cstr(settings->filters[i], filters[i]));
    cr_assert(eq(u32, settings->limits.backoff_count, 3));
    cr_expect(eq(i64, settings->limits.backoff_ns[2], 30));
    consumer_settings_destroy(settings);
}

// One filter may be given in either of two fields, or none at all.
Test(consumer_settings, a_single_filter_is_a_filter)
{
    Rill__ConsumerConfig config = config_of();
    config.n_filter_subjects = 0;
    const Rill__ConsumerRecord record = record_of(&config);
    struct consumer_settings *without = consumer_settings_create(&record);
    config.filter_subject = "orders.1";
    struct consumer_settings *with = consumer_settings_create(&record);
    cr_expect(eq(u32, without->filter_count, 0));
    cr_assert(eq(u32, with->filter_count, 1));
    cr_expect(rill_bytes_equal_cstr(with->filters[0], "orders.1"));
    consumer_settings_destroy(without);
    consumer_settings_destroy(with);
}

// A time in the past, and the zero time that some clients send, are no pause.
Test(consumer_settings, only_a_time_after_1970_pauses)
{
    static const struct {
        int64_t until_ns;
        int64_t expected_ns;
        const char *why;
    } cases[] = {{INT64_MIN, 0, "the zero time"}, {-1, 0, "before 1970"}, {0, 0, "1970"}, {99, 99, "later"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Rill__Timestamp until = RILL__TIMESTAMP__INIT;
        Rill__ConsumerConfig config = config_of();
        until.unix_ns = cases[i].until_ns;
        config.pause_until = &until;
        const Rill__ConsumerRecord record = record_of(&config);
        struct consumer_settings *settings = consumer_settings_create(&record);
        cr_expect(eq(i64, settings->pause_until_wall_ns, cases[i].expected_ns), "%s", cases[i].why);
        consumer_settings_destroy(settings);
    }
}
