/* Short ways to read and write plist dictionaries, and JSON made to plist and back. */
#include "parts.h"

#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sim_is(plist_t node, plist_type type) { return node && plist_get_node_type(node) == type; }

static plist_t item(plist_t dict, const char *key) {
    return sim_is(dict, PLIST_DICT) ? plist_dict_get_item(dict, key) : NULL;
}

const char *sim_str(plist_t dict, const char *key) {
    plist_t node = item(dict, key);
    return sim_is(node, PLIST_STRING) ? plist_get_string_ptr(node, NULL) : NULL;
}

const char *sim_data(plist_t dict, const char *key, uint64_t *length) {
    plist_t node = item(dict, key);
    return sim_is(node, PLIST_DATA) ? plist_get_data_ptr(node, length) : NULL;
}

bool sim_true(plist_t dict, const char *key) {
    plist_t node = item(dict, key);
    uint64_t number = 0;
    if (sim_is(node, PLIST_BOOLEAN)) return plist_bool_val_is_true(node) != 0;
    return sim_uint(dict, key, &number) && number != 0;
}

bool sim_uint(plist_t dict, const char *key, uint64_t *out) {
    plist_t node = item(dict, key);
    if (!sim_is(node, PLIST_UINT)) return false;
    plist_get_uint_val(node, out);
    return true;
}

void sim_put_str(plist_t dict, const char *key, const char *value) {
    if (value) plist_dict_set_item(dict, key, plist_new_string(value));
}

void sim_put_bool(plist_t dict, const char *key, bool value) { plist_dict_set_item(dict, key, plist_new_bool(value)); }

void sim_put_uint(plist_t dict, const char *key, uint64_t value) {
    plist_dict_set_item(dict, key, plist_new_uint(value));
}

void sim_put_data(plist_t dict, const char *key, const void *data, size_t size) {
    plist_dict_set_item(dict, key, plist_new_data(data, size));
}

/* {"$data": "base64"} stands for bytes, since JSON has none. */
static plist_t data_from_base64(const char *text) {
    size_t length = strlen(text);
    unsigned char *bytes = malloc(length + 4);
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    for (size_t i = length; size > 0 && i > 0 && text[i - 1] == '='; i--) size--;
    plist_t data = plist_new_data((const char *)bytes, size > 0 ? (uint64_t)size : 0);
    free(bytes);
    return data;
}

static plist_t object_from_json(const json_t *json) {
    const char *base64 = json_string_value(json_object_get(json, "$data"));
    if (base64) return data_from_base64(base64);
    plist_t dict = plist_new_dict();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        plist_t node = sim_from_json(value);
        if (node) plist_dict_set_item(dict, key, node);
    }
    return dict;
}

plist_t sim_from_json(const json_t *json) {
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_TRUE:
        return plist_new_bool(1);
    case JSON_FALSE:
        return plist_new_bool(0);
    case JSON_INTEGER:
        return plist_new_uint((uint64_t)json_integer_value(json));
    case JSON_REAL:
        return plist_new_real(json_real_value(json));
    case JSON_STRING:
        return plist_new_string(json_string_value(json));
    case JSON_OBJECT:
        return object_from_json(json);
    case JSON_ARRAY:
        break;
    default:
        return NULL;
    }
    plist_t array = plist_new_array();
    for (size_t i = 0; i < json_array_size(json); i++) {
        plist_t node = sim_from_json(json_array_get(json, i));
        if (node) plist_array_append_item(array, node);
    }
    return array;
}

static json_t *dict_to_json(plist_t plist) {
    json_t *object = json_object();
    plist_dict_iter iter = NULL;
    plist_dict_new_iter(plist, &iter);
    for (;;) {
        char *key = NULL;
        plist_t value = NULL;
        plist_dict_next_item(plist, iter, &key, &value);
        if (!value) break;
        json_object_set_new(object, key, sim_to_json(value));
        free(key);
    }
    free(iter);
    return object;
}

json_t *sim_to_json(plist_t plist) {
    uint64_t number = 0, length = 0;
    double real = 0;
    char text[48];
    json_t *array;
    switch (plist ? plist_get_node_type(plist) : PLIST_NONE) {
    case PLIST_BOOLEAN:
        return json_boolean(plist_bool_val_is_true(plist));
    case PLIST_UINT:
        plist_get_uint_val(plist, &number);
        return json_integer((json_int_t)number);
    case PLIST_REAL:
        plist_get_real_val(plist, &real);
        return isfinite(real) ? json_real(real) : json_null();
    case PLIST_STRING:
        return json_string(plist_get_string_ptr(plist, NULL));
    case PLIST_DATA:
        plist_get_data_ptr(plist, &length);
        snprintf(text, sizeof text, "data, %" PRIu64 " bytes", length);
        return json_string(text);
    case PLIST_DICT:
        return dict_to_json(plist);
    case PLIST_ARRAY:
        break;
    default:
        return json_null();
    }
    array = json_array();
    for (uint32_t i = 0; i < plist_array_get_size(plist); i++)
        json_array_append_new(array, sim_to_json(plist_array_get_item(plist, i)));
    return array;
}
