// SPDX-License-Identifier: Apache-2.0
#include "page.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 5000, URL_BYTES = 2048, STATUS_OK = 200 };

/* One request over nng's client, with all that it needs. */
struct fetch {
    nng_url *url;
    nng_http_client *client;
    nng_http_req *request;
    nng_http_res *response;
    nng_aio *aio;
};

static int fetch_init(struct fetch *fetch, const char *url)
{
    int rv = nng_url_parse(&fetch->url, url);
    rv = rv ? rv : nng_http_client_alloc(&fetch->client, fetch->url);
    rv = rv ? rv : nng_http_req_alloc(&fetch->request, fetch->url);
    rv = rv ? rv : nng_http_res_alloc(&fetch->response);
    return rv ? rv : nng_aio_alloc(&fetch->aio, NULL, NULL);
}

static void fetch_fini(struct fetch *fetch)
{
    if (fetch->aio)
        nng_aio_free(fetch->aio);
    if (fetch->response)
        nng_http_res_free(fetch->response);
    if (fetch->request)
        nng_http_req_free(fetch->request);
    if (fetch->client)
        nng_http_client_free(fetch->client);
    if (fetch->url)
        nng_url_free(fetch->url);
}

static int fetch_run(struct fetch *fetch, int64_t timeout_ms)
{
    nng_aio_set_timeout(fetch->aio, (nng_duration)timeout_ms);
    nng_http_client_transact(fetch->client, fetch->request, fetch->response, fetch->aio);
    nng_aio_wait(fetch->aio);
    return nng_aio_result(fetch->aio);
}

/* A number above INT64_MAX, which nats-server writes for "none", makes all of them broken numbers. */
static json_t *decode(const char *text, size_t bytes)
{
    json_t *json = json_loadb(text, bytes, 0, NULL);
    return json ? json : json_loadb(text, bytes, JSON_DECODE_INT_AS_REAL, NULL);
}

static enum tool_exit read_response(const struct call *call, const char *url, nng_http_res *response,
                                    json_t **ret)
{
    void *data = NULL;
    size_t bytes = 0;
    const unsigned status = nng_http_res_get_status(response);
    nng_http_res_get_data(response, &data, &bytes);
    if (status != STATUS_OK)
        return call_fail(call, TOOL_FAILED, "%s: status %u", url, status);
    json_t *page = decode(data, bytes);
    if (!page)
        return call_fail(call, TOOL_FAILED, "%s is no JSON: is that a monitoring port?", url);
    *ret = page;
    return TOOL_DONE;
}

enum tool_exit page_get(const struct call *call, const char *base, const char *path, json_t **ret)
{
    char url[URL_BYTES];
    struct fetch fetch = {0};
    size_t base_bytes = strlen(base);
    while (base_bytes && base[base_bytes - 1] == '/')
        base_bytes--;
    (void)snprintf(url, sizeof url, "%.*s%s", (int)base_bytes, base, path);
    int rv = fetch_init(&fetch, url);
    rv = rv ? rv : fetch_run(&fetch, call_ms(call, "timeout", TIMEOUT_MS));
    enum tool_exit code;
    if (rv)
        code = call_fail(call, rv == NNG_ETIMEDOUT ? TOOL_TIMEOUT : TOOL_NO_SERVER,
                         "%s: %s: is monitoring on there? name it with --monitor", url, nng_strerror(rv));
    else
        code = read_response(call, url, fetch.response, ret);
    fetch_fini(&fetch);
    return code;
}

enum tool_exit page_get_one(const struct call *call, const char *path, json_t **ret)
{
    char *base = remote_monitor_url(call);
    const enum tool_exit code = base ? page_get(call, base, path, ret) : TOOL_NOTHING;
    free(base);
    return code;
}

const struct parameter page_options[] = {
    {"monitor", 0, VALUE_TEXT, .metavar = "URL",
     .help = "The server's monitoring port; without it RILL_MONITOR_URL, the context's, or port 8222 of the "
             "server."},
    {0},
};
