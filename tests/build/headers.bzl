"""Compiles every header alone."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

HeadersInfo = provider(fields = {
    "headers": "Headers that were compiled, of a target and what it needs.",
    "objects": "What came out.",
})

def _compile_headers_impl(target, ctx):
    below = [
        dep[HeadersInfo]
        for dep in getattr(ctx.rule.attr, "deps", [])
        if HeadersInfo in dep
    ]
    headers = []
    objects = []
    if target.label.workspace_name == "" and ctx.rule.kind == "cc_library":
        context = target[CcInfo].compilation_context
        headers = [
            header
            for header in (context.direct_public_headers +
                           context.direct_private_headers)
            if header.is_source and header.extension == "h"
        ]
    if headers:
        objects = _compile(ctx, headers, context)
    return [HeadersInfo(
        headers = depset(headers, transitive = [i.headers for i in below]),
        objects = depset(objects, transitive = [i.objects for i in below]),
    )]

def _compile(ctx, headers, context):
    sources = []
    for header in headers:
        source = ctx.actions.declare_file(
            "%s_headers/%s.cc" % (ctx.label.name, header.basename),
        )
        ctx.actions.write(source, '#include "%s"\n' % header.short_path)
        sources.append(source)
    toolchain = find_cpp_toolchain(ctx)
    _, outputs = cc_common.compile(
        name = ctx.label.name + "_headers",
        actions = ctx.actions,
        cc_toolchain = toolchain,
        compilation_contexts = [context],
        feature_configuration = cc_common.configure_features(
            cc_toolchain = toolchain,
            ctx = ctx,
            requested_features = ctx.features,
            unsupported_features = ctx.disabled_features,
        ),
        srcs = sources,
        user_compile_flags = ctx.fragments.cpp.copts +
                             ctx.fragments.cpp.cxxopts +
                             ["-O0", "-U_FORTIFY_SOURCE"],
    )
    return outputs.objects + outputs.pic_objects

_compile_headers = aspect(
    implementation = _compile_headers_impl,
    attr_aspects = ["deps"],
    attrs = {
        "_cc_toolchain": attr.label(
            default = "@bazel_tools//tools/cpp:current_cc_toolchain",
        ),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def _header_list_impl(ctx):
    info = [dep[HeadersInfo] for dep in ctx.attr.deps]
    headers = depset(transitive = [i.headers for i in info])
    objects = depset(transitive = [i.objects for i in info])
    out = ctx.actions.declare_file(ctx.label.name + ".txt")

    # The objects are inputs, so that the list exists only if all compiled.
    ctx.actions.run_shell(
        outputs = [out],
        inputs = objects,
        arguments = [out.path, ctx.actions.args().add_all(headers)],
        command = 'out="$1"; shift; printf "%s\\n" "$@" | sort > "$out"',
    )
    return [DefaultInfo(
        files = depset([out]),
        runfiles = ctx.runfiles([out]),
    )]

# The file NAME.txt: the path of every header of `deps` and of what they depend
# on in this repository. Building it compiles each of these headers alone.
header_list = rule(
    implementation = _header_list_impl,
    attrs = {"deps": attr.label_list(aspects = [_compile_headers])},
)
