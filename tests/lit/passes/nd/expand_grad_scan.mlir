// RUN: irc-opt %s -p nd-expand-grad | filecheck %s
// RUN: irc-opt %s -p nd-expand-grad --print-debuginfo | filecheck %s --check-prefix LOC

// The forward scan keeps its rows, which are tanh of something and what was read; the backward
// scan runs the other way. The last row, which was the result, is one of the history.
// CHECK-LABEL: @recurrence
func.func @recurrence(%u: tensor<7x3xf64>, %x0: tensor<1x3xf64>, %w: tensor<3x3xf64>) -> (tensor<1x3xf64>, tensor<1x3xf64>, tensor<3x3xf64>) {
  // CHECK-NEXT: [[X:%.*]] = nd.scan "7" over (%u[0]) from (history %x0[1])
  // CHECK: [[LAST:%.*]] = nd.slice [[X]][] at <"7", "0">
  %x = nd.scan "7" over (%u[0]) from (%x0[1]) : (tensor<7x3xf64>, tensor<1x3xf64>) -> (tensor<1x3xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %x1: tensor<3xf64>):
    %a = nd.dot %w, %x1 batch [], [] contract [1], [0] : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
    %b = nd.add %a, %u0 : tensor<3xf64>
    %c = nd.tanh %b : tensor<3xf64>
    nd.yield %c : tensor<3xf64>
  }
  // What arrives at the last row is what the state of the backward scan begins with.
  // CHECK: [[ONE:%.*]] = nd.broadcast
  // CHECK: [[SUM:%.*]] = nd.full 0.000000e+00 : f64 : tensor<1x3x3xf64>
  // CHECK: [[DX0:%.*]], [[DW:%.*]] = nd.scan "7" reverse over ([[X]][0, 1]) from ([[ONE]][1], [[SUM]][1])
  // CHECK-NEXT: ^bb0({{%.*}}: tensor<i64>, [[BEFORE:%.*]]: tensor<3xf64>, [[ROW:%.*]]: tensor<3xf64>, [[DX:%.*]]: tensor<3xf64>, [[TOTAL:%.*]]: tensor<3x3xf64>):
  // CHECK: nd.square [[ROW]]
  // CHECK: [[D:%.*]] = nd.mul [[DX]]
  // CHECK-NEXT: [[OUTER:%.*]] = nd.dot [[D]], [[BEFORE]] batch [], [] contract [], []
  // CHECK-NEXT: [[BACK:%.*]] = nd.dot [[D]], %w
  // CHECK-NEXT: [[MORE:%.*]] = nd.add [[TOTAL]], [[OUTER]]
  // CHECK-NEXT: nd.yield [[BACK]], [[MORE]]
  // CHECK: [[GRADIENT:%.*]] = nd.reshape [[DW]]
  // CHECK-NEXT: func.return [[LAST]], [[DX0]], [[GRADIENT]]
  %cost = nd.sum %x axes = [0, 1] : tensor<1x3xf64> to tensor<f64>
  %dx0, %dw = nd.grad %cost wrt %x0, %w : tensor<f64> wrt tensor<1x3xf64>, tensor<3x3xf64> -> tensor<1x3xf64>, tensor<3x3xf64>
  func.return %x, %dx0, %dw : tensor<1x3xf64>, tensor<1x3xf64>, tensor<3x3xf64>
}

// A tap of 2 sends to a row two steps before: a state of its own, whose last rows are the init's.
// Rows of a sequence get theirs in an output. The sum needs no row of itself.
// CHECK-LABEL: @taps
func.func @taps(%u: tensor<9xf64>, %x0: tensor<2xf64>) -> (tensor<9xf64>, tensor<2xf64>) {
  // CHECK-NEXT: [[X:%.*]] = nd.scan "5" over (%u[0, 4]) from (history %x0[1, 2])
  %x = nd.scan "5" over (%u[0, 4]) from (history %x0[1, 2]) : (tensor<9xf64>, tensor<2xf64>) -> (tensor<7xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %u4: tensor<f64>, %x1: tensor<f64>, %x2: tensor<f64>):
    %a = nd.mul %u0, %x1 : tensor<f64>
    %b = nd.mul %u4, %x2 : tensor<f64>
    %c = nd.add %a, %b : tensor<f64>
    nd.yield %c : tensor<f64>
  }
  // CHECK: [[D1:%.*]], [[D2:%.*]], [[U0:%.*]], [[U4:%.*]] = nd.scan "5" reverse over ({{%.*}}[2], [[X]][0, 1], %u[0, 4]) from ({{%.*}}[1], {{%.*}}[2]) : {{.*}} -> (tensor<1xf64>, tensor<2xf64>, tensor<5xf64>, tensor<5xf64>)
  // CHECK: nd.insert_slice [[D1]] into {{%.*}}[] at <"1"> step [1] : tensor<1xf64>
  // CHECK: nd.insert_slice [[U0]] into {{%.*}}[] at <"0">
  // CHECK: nd.insert_slice [[U4]] into {{%.*}}[] at <"4">
  %cost = nd.sum %x axes = [0] : tensor<7xf64> to tensor<f64>
  %du, %dx0 = nd.grad %cost wrt %u, %x0 : tensor<f64> wrt tensor<9xf64>, tensor<2xf64> -> tensor<9xf64>, tensor<2xf64>
  func.return %du, %dx0 : tensor<9xf64>, tensor<2xf64>
}

// exp is kept, as an output of the forward scan; the product by 3 is computed once more. A print
// is made once.
// CHECK-LABEL: @what_is_kept
func.func @what_is_kept(%u: tensor<7xf64>) -> tensor<7xf64> {
  // CHECK-NEXT: [[Y:%.*]], [[E:%.*]] = nd.scan "7" over (%u[0]) : (tensor<7xf64>) -> (tensor<7xf64>, tensor<7xf64>)
  // CHECK: nd.print
  %y = nd.scan "7" over (%u[0]) : (tensor<7xf64>) -> (tensor<7xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>):
    %three = nd.full 3.0 : f64 : tensor<f64>
    %e = nd.exp %u0 : tensor<f64>
    %m = nd.mul %e, %three : tensor<f64>
    %s = nd.square %m : tensor<f64>
    nd.print "step"()
    nd.yield %s : tensor<f64>
  }
  // CHECK: nd.scan "7" reverse over ({{%.*}}[0], [[E]][0])
  // CHECK-NOT: nd.exp
  // CHECK-NOT: nd.print
  // CHECK: nd.mul
  %cost = nd.sum %y axes = [0] : tensor<7xf64> to tensor<f64>
  %du = nd.grad %cost wrt %u : tensor<f64> wrt tensor<7xf64> -> tensor<7xf64>
  func.return %du : tensor<7xf64>
}

// After the stop a row is the one before it, so what arrives goes on to the one before.
// CHECK-LABEL: @until
func.func @until(%u: tensor<7xf64>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK: [[NO:%.*]] = nd.full false : tensor<1xi1>
  // CHECK-NEXT: [[X:%.*]], [[STOPPED:%.*]] = nd.scan "7" until over (%u[0]) from (history %x0[1], history [[NO]][])
  %x = nd.scan "7" until over (%u[0]) from (%x0[1]) : (tensor<7xf64>, tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %x1: tensor<f64>):
    %a = nd.square %x1 : tensor<f64>
    %stop = nd.gt %a, %u0 : tensor<f64>
    nd.yield %a, %stop : tensor<f64>, tensor<i1>
  }
  // CHECK: nd.scan "7" reverse over ([[X]][0], [[STOPPED]][0])
  // CHECK-NEXT: ^bb0({{%.*}}: tensor<i64>, {{%.*}}: tensor<f64>, [[HELD:%.*]]: tensor<i1>, [[DX:%.*]]: tensor<f64>):
  // CHECK-NEXT: nd.if [[HELD]]
  // CHECK-NEXT: nd.yield [[DX]]
  // CHECK-NEXT: } else {
  %cost = nd.sum %x axes = [0] : tensor<1xf64> to tensor<f64>
  %dx0 = nd.grad %cost wrt %x0 : tensor<f64> wrt tensor<1xf64> -> tensor<1xf64>
  func.return %dx0 : tensor<1xf64>
}

// Steps before T - 5 send nothing; the sum of the others stays.
// CHECK-LABEL: @truncate
func.func @truncate(%u: tensor<?xf64, #nd.dims<"T">>, %x0: tensor<1xf64>, %w: tensor<f64>) -> tensor<f64> {
  %x = nd.scan "T" truncate "5" over (%u[0]) from (%x0[1]) : (tensor<?xf64, #nd.dims<"T">>, tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %x1: tensor<f64>):
    %a = nd.mul %w, %x1 : tensor<f64>
    nd.yield %a : tensor<f64>
  }
  // CHECK: [[ALL:%.*]] = nd.size "T"
  // CHECK-NEXT: [[LAST:%.*]] = nd.full 5 : i64
  // CHECK-NEXT: [[FIRST:%.*]] = nd.sub [[ALL]], [[LAST]]
  // CHECK-NEXT: nd.scan "T" reverse
  // CHECK-NEXT: ^bb0([[T:%.*]]: tensor<i64>, {{%.*}}: tensor<f64>, [[DX:%.*]]: tensor<f64>, [[DW:%.*]]: tensor<f64>):
  // CHECK-NEXT: [[LATE:%.*]] = nd.ge [[T]], [[FIRST]]
  // CHECK-NEXT: nd.if [[LATE]]
  // CHECK: } else {
  // CHECK-NEXT: [[ZERO:%.*]] = nd.full 0.0{{.*}} : tensor<f64>
  // CHECK-NEXT: nd.yield [[ZERO]], [[DW]]
  %cost = nd.sum %x axes = [0] : tensor<1xf64> to tensor<f64>
  %dw = nd.grad %cost wrt %w : tensor<f64> wrt tensor<f64> -> tensor<f64>
  func.return %dw : tensor<f64>
}

// Stretches of 10 steps: the outer scan keeps a state for each; a stretch is run again, with the
// rows that its derivative reads, before it is gone back through.
// CHECK-LABEL: @checkpoint
func.func @checkpoint(%u: tensor<100xf64>, %x0: tensor<1xf64>) -> (tensor<1xf64>, tensor<1xf64>) {
  // CHECK: [[X:%.*]] = nd.scan "10" recompute over ({{%.*}}[0]) from (history {{%.*}}[1]) : (tensor<10x10xf64>, tensor<1x1xf64>) -> (tensor<11x1xf64>)
  // CHECK: nd.scan "10" over ({{%.*}}[0]) from ({{%.*}}[1]) : (tensor<10xf64>, tensor<1xf64>) -> (tensor<1xf64>)
  %x = nd.scan "100" checkpoint over (%u[0]) from (%x0[1]) : (tensor<100xf64>, tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>, %x1: tensor<f64>):
    %a = nd.mul %u0, %x1 : tensor<f64>
    %b = nd.sin %a : tensor<f64>
    nd.yield %b : tensor<f64>
  }
  // CHECK: nd.scan "10" reverse over ({{%.*}}[0], [[X]][0])
  // CHECK: {{%.*}}, [[AGAIN:%.*]] = nd.scan "10" over ({{%.*}}[0]) from ({{%.*}}[1]) : (tensor<10xf64>, tensor<1xf64>) -> (tensor<1xf64>, tensor<10xf64>)
  // CHECK: nd.scan "10" reverse over ([[AGAIN]][0], {{%.*}}[0]) from
  %cost = nd.sum %x axes = [0] : tensor<1xf64> to tensor<f64>
  %dx0 = nd.grad %cost wrt %x0 : tensor<f64> wrt tensor<1xf64> -> tensor<1xf64>
  func.return %x, %dx0 : tensor<1xf64>, tensor<1xf64>
}

// A search becomes a scan of as many steps as there are at most.
// CHECK-LABEL: @search
func.func @search(%x: tensor<f64>) -> tensor<f64> {
  // CHECK: [[YES:%.*]] = nd.full true : tensor<1xi1>
  // CHECK-NEXT: {{.*}} = nd.scan "100" from (history {{%.*}}[1], history [[YES]][1])
  // CHECK: [[GO:%.*]] = nd.if {{%.*}} : tensor<i1> -> tensor<i1>
  // CHECK: nd.if [[GO]] : tensor<i1> -> tensor<f64>
  // CHECK-NOT: nd.while
  %r = nd.while limit <"100"> %x : tensor<f64> while {
  ^bb0(%y: tensor<f64>):
    %one = nd.full 1.0 : f64 : tensor<f64>
    %c = nd.gt %y, %one : tensor<f64>
    nd.yield %c : tensor<i1>
  } do {
  ^bb0(%y: tensor<f64>):
    %n = nd.sqrt %y : tensor<f64>
    nd.yield %n : tensor<f64>
  } -> tensor<f64>
  %g = nd.grad %r wrt %x : tensor<f64> wrt tensor<f64> -> tensor<f64>
  func.return %g : tensor<f64>
}

// Backward ops have the place of the op that they derive.
// LOC-LABEL: @places
func.func @places(%u: tensor<7xf64>) -> (tensor<7xf64>, tensor<7xf64>) {
  %y = nd.scan "7" over (%u[0]) : (tensor<7xf64>) -> (tensor<7xf64>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<f64>):
    // LOC: nd.sin {{%.*}} : tensor<f64> loc("[[FILE:.*]]":[[LINE:.*]])
    // LOC: nd.cos {{%.*}} : tensor<f64> loc("derivative"("[[FILE]]":[[LINE]]))
    %a = nd.sin %u0 : tensor<f64>
    nd.yield %a : tensor<f64>
  }
  %cost = nd.sum %y axes = [0] : tensor<7xf64> to tensor<f64>
  %g = nd.grad %cost wrt %u : tensor<f64> wrt tensor<7xf64> -> tensor<7xf64>
  func.return %y, %g : tensor<7xf64>, tensor<7xf64>
}
