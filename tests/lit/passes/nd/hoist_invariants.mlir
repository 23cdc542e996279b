// RUN: irc-opt %s -p nd-hoist-invariants | filecheck %s

// CHECK-LABEL: @what_reads_nothing_of_the_loop
func.func @what_reads_nothing_of_the_loop(%w: tensor<3xf64>, %x0: tensor<1x3xf64>) -> tensor<1x3xf64> {
  // CHECK-NEXT: %c = nd.exp %w
  // CHECK-NEXT: %d = nd.neg %c
  // CHECK-NEXT: nd.scan "9" from (%x0[1])
  %x = nd.scan "9" from (%x0[1]) : (tensor<1x3xf64>) -> (tensor<1x3xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf64>):
    %c = nd.exp %w : tensor<3xf64>
    %d = nd.neg %c : tensor<3xf64>
    // CHECK: nd.mul %x1, %d
    %y = nd.mul %x1, %d : tensor<3xf64>
    nd.yield %y : tensor<3xf64>
  }
  func.return %x : tensor<1x3xf64>
}

// What a loop makes for nothing is not read from memory; a product takes it along.
// CHECK-LABEL: @repeated_numbers
func.func @repeated_numbers(%b: tensor<3xf64>, %w: tensor<4x3xf64>, %x0: tensor<1x4x3xf64>) -> (tensor<1x4x3xf64>, tensor<9x4x4xf64>) {
  // CHECK-NEXT: nd.full 1.0
  // CHECK-NEXT: nd.add %w
  // CHECK-NEXT: nd.dot
  // CHECK-NEXT: nd.scan
  %x, %p = nd.scan "9" from (%x0[1]) : (tensor<1x4x3xf64>) -> (tensor<1x4x3xf64>, tensor<9x4x4xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<4x3xf64>):
    // CHECK: nd.broadcast %b
    %large = nd.broadcast %b dims = [1] : tensor<3xf64> to tensor<4x3xf64>
    // CHECK-NEXT: nd.full 1.0
    %one = nd.full 1.0 : f64 : tensor<4x3xf64>
    // CHECK-NEXT: nd.add %large, %one
    %more = nd.add %large, %one : tensor<4x3xf64>
    // CHECK-NEXT: nd.add %x1, %more
    %y = nd.add %x1, %more : tensor<4x3xf64>
    %v = nd.add %w, %one : tensor<4x3xf64>
    %q = nd.dot %v, %v batch [], [] contract [1], [1] : tensor<4x3xf64>, tensor<4x3xf64> to tensor<4x4xf64>
    nd.yield %y, %q : tensor<4x3xf64>, tensor<4x4xf64>
  }
  func.return %x, %p : tensor<1x4x3xf64>, tensor<9x4x4xf64>
}

// CHECK-LABEL: @out_of_nested_loops
func.func @out_of_nested_loops(%w: tensor<f64>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK-NEXT: nd.exp %w
  // CHECK-NEXT: nd.scan "9"
  %x = nd.scan "9" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    // CHECK: nd.sin %x1
    // CHECK-NEXT: nd.mul
    // CHECK-NEXT: nd.scan "5"
    %z = nd.scan "5" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
    ^bb1(%s: tensor<i64>, %z1: tensor<f64>):
      %e = nd.exp %w : tensor<f64>
      %f = nd.sin %x1 : tensor<f64>
      %g = nd.mul %e, %f : tensor<f64>
      %h = nd.add %g, %z1 : tensor<f64>
      nd.yield %h : tensor<f64>
    }
    %r = nd.reshape %z : tensor<1xf64> to tensor<f64>
    nd.yield %r : tensor<f64>
  }
  func.return %x : tensor<1xf64>
}

// CHECK-LABEL: @of_a_search_and_of_conditionals
func.func @of_a_search_and_of_conditionals(%w: tensor<f64>, %p: tensor<i1>, %x0: tensor<f64>) -> tensor<f64> {
  // CHECK-NEXT: nd.exp %w
  // CHECK-NEXT: nd.cos %w
  // CHECK-NEXT: nd.if %p
  // CHECK: nd.while %x0
  %x = nd.while %x0 : tensor<f64> while {
  ^bb0(%y: tensor<f64>):
    %e = nd.exp %w : tensor<f64>
    %c = nd.lt %y, %e : tensor<f64>
    nd.yield %c : tensor<i1>
  } do {
  ^bb0(%y: tensor<f64>):
    %big = nd.lt %w, %y : tensor<f64>
    %a = nd.if %big : tensor<i1> -> tensor<f64> {
      %e = nd.cos %w : tensor<f64>
      nd.yield %e : tensor<f64>
    } else {
      // CHECK: nd.cos %y
      %e = nd.cos %y : tensor<f64>
      nd.yield %e : tensor<f64>
    }
    %b = nd.if %p : tensor<i1> -> tensor<f64> {
      nd.yield %w : tensor<f64>
    } else {
      nd.yield %x0 : tensor<f64>
    }
    %d = nd.add %a, %b : tensor<f64>
    nd.yield %d : tensor<f64>
  } -> tensor<f64>
  func.return %x : tensor<f64>
}

// A step that never runs makes no error, and its checks keep the reads after them inside.
// CHECK-LABEL: @what_could_fail
func.func @what_could_fail(%w: tensor<?xf64, #nd.dims<"n">>, %i: tensor<i64>, %ok: tensor<i1>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK-NEXT: nd.reshape %i
  // CHECK-NEXT: nd.gather %w[%j] axes = [0] :
  // CHECK-NEXT: nd.scan
  %x = nd.scan "9" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    // CHECK: nd.assert
    nd.assert "bounds" %ok, "no"() : tensor<i1>
    // CHECK-NEXT: nd.print
    nd.print "hello"()
    // CHECK-NEXT: nd.max
    %m = nd.max %w axes = [0] : tensor<?xf64, #nd.dims<"n">> to tensor<f64>
    // CHECK-NEXT: nd.slice
    %s = nd.slice %w[%i] at <"?"> step [1] : tensor<?xf64, #nd.dims<"n">>, tensor<i64> to tensor<1xf64>
    %j = nd.reshape %i : tensor<i64> to tensor<1xi64>
    %g = nd.gather %w[%j] axes = [0] in_bounds : tensor<?xf64, #nd.dims<"n">>, tensor<1xi64> to tensor<1xf64>
    %h = nd.add %s, %g : tensor<1xf64>
    %r = nd.reshape %h : tensor<1xf64> to tensor<f64>
    %y = nd.add %x1, %m : tensor<f64>
    %z = nd.add %y, %r : tensor<f64>
    nd.yield %z : tensor<f64>
  }
  func.return %x : tensor<1xf64>
}

// A function of another library may refuse its arguments, also where nobody asked.
// CHECK-LABEL: @what_may_refuse
func.func @what_may_refuse(%w: tensor<3xf64>, %x0: tensor<1x3xf64>) -> tensor<1x3xf64> {
  // CHECK-NEXT: nd.scan "T"
  %x = nd.scan "T" from (%x0[1]) : (tensor<1x3xf64>) -> (tensor<1x3xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<3xf64>):
    // CHECK: nd.extern
    %e = nd.extern "f" from "libf.so" sizes <> (%w) : (tensor<3xf64>) -> (tensor<3xf64>)
    %y = nd.add %x1, %e : tensor<3xf64>
    nd.yield %y : tensor<3xf64>
  }
  func.return %x : tensor<1x3xf64>
}

// CHECK-LABEL: @what_is_sure_to_run
func.func @what_is_sure_to_run(%w: tensor<?xf64, #nd.dims<"n">>, %i: tensor<i64>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK-NEXT: nd.max
  // CHECK-NEXT: nd.slice
  // CHECK-NEXT: nd.reshape
  // CHECK-NEXT: nd.scan
  %x = nd.scan "T + 1" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    %m = nd.max %w axes = [0] : tensor<?xf64, #nd.dims<"n">> to tensor<f64>
    %s = nd.slice %w[%i] at <"?"> step [1] : tensor<?xf64, #nd.dims<"n">>, tensor<i64> to tensor<1xf64>
    %r = nd.reshape %s : tensor<1xf64> to tensor<f64>
    %y = nd.add %x1, %m : tensor<f64>
    %z = nd.add %y, %r : tensor<f64>
    nd.yield %z : tensor<f64>
  }
  func.return %x : tensor<1xf64>
}

// What is inside a conditional that moves goes with it.
// CHECK-LABEL: @a_conditional_moves_whole
func.func @a_conditional_moves_whole(%w: tensor<f64>, %c: tensor<i1>, %x0: tensor<1xf64>) -> tensor<1xf64> {
  // CHECK-NEXT: nd.if %c
  // CHECK-NEXT: [[y:%.*]] = nd.sigmoid %w
  // CHECK-NEXT: nd.yield [[y]]
  // CHECK: nd.scan
  %x = nd.scan "T" from (%x0[1]) : (tensor<1xf64>) -> (tensor<1xf64>) {
  ^bb0(%t: tensor<i64>, %x1: tensor<f64>):
    %a = nd.if %c : tensor<i1> -> tensor<f64> {
      %y = nd.sigmoid %w : tensor<f64>
      nd.yield %y : tensor<f64>
    } else {
      nd.yield %w : tensor<f64>
    }
    %z = nd.add %x1, %a : tensor<f64>
    nd.yield %z : tensor<f64>
  }
  func.return %x : tensor<1xf64>
}
