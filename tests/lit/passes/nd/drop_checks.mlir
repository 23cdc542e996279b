// RUN: irc-opt %s -p nd-drop-checks | filecheck %s

// CHECK-LABEL: @an_integer_divided_by_zero_is_0
func.func @an_integer_divided_by_zero_is_0(%ok: tensor<3xi1>) {
  // CHECK-NEXT: func.return
  nd.assert "bounds" %ok, "division by zero: y is 0"() : tensor<3xi1>
  func.return
}

// CHECK-LABEL: @a_singular_matrix_has_an_answer
func.func @a_singular_matrix_has_an_answer(%ok: tensor<3xi1>) {
  // CHECK-NEXT: func.return
  nd.assert "bounds" %ok, "singular matrix: pivot {@0} of a is 0"() : tensor<3xi1>
  nd.assert "bounds" %ok, "matrix not positive definite: pivot {@0} of a is not above 0"() : tensor<3xi1>
  func.return
}

// CHECK-LABEL: @a_gather_reads_0
func.func @a_gather_reads_0(%ok: tensor<3xi1>, %x: tensor<4xf32>, %i: tensor<3xi32>) -> tensor<3xf32> {
  // CHECK-NEXT: nd.gather %x[%i] axes = [0] :
  nd.assert "bounds" %ok, "index {0} is outside"(%i) : tensor<3xi1>, tensor<3xi32>
  %y = nd.gather %x[%i] axes = [0] in_bounds : tensor<4xf32>, tensor<3xi32> to tensor<3xf32>
  func.return %y : tensor<3xf32>
}

// CHECK-LABEL: @other_checks_are_kept
func.func @other_checks_are_kept(%ok: tensor<3xi1>) {
  // CHECK-NEXT: nd.assert "bounds"
  nd.assert "bounds" %ok, "the window ends at 7"() : tensor<3xi1>
  // CHECK-NEXT: nd.assert "assert"
  nd.assert "assert" %ok, "division by zero: said by the program"() : tensor<3xi1>
  func.return
}
