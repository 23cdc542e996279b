// What is shown between passes goes to stderr or to files; stdout has the result alone.

// RUN: irc-opt %s --nd-cse --nd-dce --print-after nd-cse 2> %t | filecheck %s --check-prefix=RESULT
// RUN: filecheck %s --check-prefix=AFTER --input-file %t
// RUN: irc-opt %s --nd-cse --nd-dce --mlir-print-ir-after nd-cse 2>&1 > /dev/null | filecheck %s --check-prefix=AFTER
// RESULT-NOT: IR Dump
// AFTER: // -----// IR Dump After nd-cse //----- //
// AFTER-NOT: nd-dce

// RUN: irc-opt %s --nd-cse --print-before nd-cse -o /dev/null 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: irc-opt %s --nd-cse --print-before-all -o /dev/null 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: irc-opt %s --nd-cse --mlir-print-ir-before-all -o /dev/null 2>&1 | filecheck %s --check-prefix=BEFORE
// BEFORE: IR Dump Before nd-cse
// BEFORE: %z = nd.exp

// RUN: irc-opt %s --nd-cse --nd-dce --print-after-all -o /dev/null 2>&1 | filecheck %s --check-prefix=ALL
// ALL: IR Dump After nd-cse
// ALL: IR Dump After nd-dce

// RUN: irc-opt %s --nd-cse --nd-dce --print-after-change -o /dev/null 2>&1 | filecheck %s --check-prefix=CHANGE
// CHANGE: IR Dump After nd-cse
// CHANGE-NOT: IR Dump After nd-dce

// RUN: irc-opt %s --nd-cse --print-tree %t.tree -o /dev/null
// RUN: filecheck %s --check-prefix=BEFORE-TREE --input-file %t.tree/00_input.mlir
// RUN: irc-opt %t.tree/01_nd-cse.mlir | filecheck %s --check-prefix=RESULT-TREE
// BEFORE-TREE: %z = nd.exp
// RESULT-TREE: nd.add %y, %y

// RUN: irc-opt %s --nd-cse --diff -o /dev/null 2>&1 | filecheck %s --check-prefix=DIFF
// DIFF: --- before
// DIFF-NEXT: +++ after nd-cse
// DIFF: -    %z = nd.exp %x
// DIFF: +    %w = nd.add %y, %y
// RUN: irc-opt %s --nd-cse --diff --color always -o /dev/null 2>&1 | filecheck %s --check-prefix=COLOR
// COLOR: [31m-    %z = nd.exp %x

// RUN: irc-opt %s --nd-cse --time-passes -o /dev/null 2>&1 | filecheck %s --check-prefix=TIME
// TIME: pass times (ms)
// TIME: nd-cse {{.*}} %
// TIME: (verify)
// TIME: total {{.*}}100.0 %
// RUN: irc-opt %s --nd-cse --time-passes=tree -o /dev/null 2>&1 | filecheck %s --check-prefix=TREE
// TREE: {{^}}  nd {{.*}} %
// TREE-NEXT: {{^}}    nd-cse
// RUN: irc-opt %s --nd-cse --time-passes=json -o /dev/null 2>&1 | filecheck %s --check-prefix=JSON
// JSON: {"passes": [{"pass": "nd-cse", "seconds": {{.*}}}

// RUN: irc-opt %s --nd-cse --stats -o /dev/null 2>&1 | filecheck %s --check-prefix=STATS
// STATS: nd-cse {{ *}}5 -> {{ *}}4 {{ *}}-1
// RUN: irc-opt %s --nd-cse --stats=json -o /dev/null 2>&1 | filecheck %s --check-prefix=STATSJSON
// STATSJSON: [{"pass": "nd-cse", "before": 5, "after": 4}]

// RUN: irc-opt %s --nd-cse --no-verify-each --time-passes -o /dev/null 2>&1 | filecheck %s --check-prefix=NOVERIFY
// NOVERIFY-NOT: (verify)

// RUN: irc-opt %s --to linalg --remarks -o /dev/null 2>&1 | filecheck %s --check-prefix=REMARK
// REMARK: remark: fusion:
// REMARK-NEXT: --> {{.*}}opt_watch.mlir:

// RUN: not irc-opt %s --nd-cse --print-after nd-dce 2>&1 | filecheck %s --check-prefix=ABSENT
// ABSENT: error: pass `nd-dce` is not in the pipeline

func.func @f(%x: tensor<?x4xf32, #nd.dims<"n">>) -> tensor<?x4xf32, #nd.dims<"n">> {
  %y = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  %z = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  %w = nd.add %y, %z : tensor<?x4xf32, #nd.dims<"n">>
  func.return %w : tensor<?x4xf32, #nd.dims<"n">>
}
