// A dense layer that stores a frame of inputs and works through a program: Q outputs at a time, one input a cycle.
//
// A row of the program is {last of its group, address of the input, Q weights}. Rows whose weights are all zero are
// not in it. The next frame is stored in the other half of the buffer meanwhile.
module dense_program #(
    parameter N_IN = 2,        // inputs of a frame, one a cycle
    parameter STEPS = 1,       // rows of the program
    parameter GROUPS = 1,      // groups of Q outputs
    parameter Q = 1,
    parameter Q_FINAL = 1,     // outputs of the last group
    parameter P_OUT = 1,       // outputs a cycle; divides Q
    parameter X_WIDTH = 8,
    parameter X_SIGNED = 0,
    parameter W_WIDTH = 8,
    parameter SHIFT = 0,
    parameter ACC_WIDTH = 21,
    parameter QUEUE_BITS = 0,
    parameter PROGRAM = "",
    parameter BIASES = ""
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [X_WIDTH-1:0]         in_data,
    input  wire                       in_valid,
    output wire                       in_ready,
    output wire [P_OUT*ACC_WIDTH-1:0] sum_data,
    output wire                       sum_valid,
    input  wire                       sum_ready
);
    localparam INDEX_BITS = N_IN > 1 ? $clog2(N_IN) : 1;
    localparam STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1;
    localparam ROW_WIDTH = 1 + INDEX_BITS + Q*W_WIDTH;
    localparam X_BITS = X_SIGNED ? X_WIDTH : X_WIDTH + 1;

    // The buffer: two frames, one written while the other is read.
    reg [X_WIDTH-1:0] buffer [0:(2<<INDEX_BITS)-1];
    reg [1:0] full;
    reg write_half;
    reg [INDEX_BITS-1:0] write_index;
    assign in_ready = !full[write_half];
    wire take = in_valid && in_ready;
    wire stored = take && (write_index == N_IN - 1);

    // Stage 1: the row. It waits there while it would end a group and the outlet has no room.
    reg [STEP_BITS-1:0] step;
    reg step_half;
    reg row_valid;
    reg row_end;               // the program's last row
    reg row_half;
    wire [ROW_WIDTH-1:0] row;
    wire row_last = row[ROW_WIDTH-1];
    wire [INDEX_BITS-1:0] row_index = row[ROW_WIDTH-2 -: INDEX_BITS];
    wire room;
    wire advance = !(row_valid && row_last) || room;
    wire leave = row_valid && advance;
    wire issue = full[step_half] && advance;
    wire final_step = (step == STEPS - 1);

    // Stage 2: the input that the row names, and its weights.
    reg mac_valid;
    reg mac_last;
    reg [X_WIDTH-1:0] x;
    reg [Q*W_WIDTH-1:0] w;

    always @(posedge clk) begin
        if (take) buffer[{write_half, write_index}] <= in_data;
        if (leave) begin
            x <= buffer[{row_half, row_index}];
            w <= row[Q*W_WIDTH-1:0];
        end
        mac_last <= row_last;
        if (issue) begin
            row_end <= final_step;
            row_half <= step_half;
        end
        if (rst) begin
            full <= 2'b00;
            write_half <= 1'b0;
            write_index <= {INDEX_BITS{1'b0}};
            step <= {STEP_BITS{1'b0}};
            step_half <= 1'b0;
            row_valid <= 1'b0;
            mac_valid <= 1'b0;
        end else begin
            if (take) write_index <= stored ? {INDEX_BITS{1'b0}} : write_index + 1'b1;
            if (stored) begin
                full[write_half] <= 1'b1;
                write_half <= !write_half;
            end
            if (issue) begin
                step <= final_step ? {STEP_BITS{1'b0}} : step + 1'b1;
                if (final_step) step_half <= !step_half;
            end
            if (advance) row_valid <= issue;
            if (leave && row_end) full[row_half] <= 1'b0;
            mac_valid <= leave;
        end
    end

    row_rom #(.WIDTH(ROW_WIDTH), .DEPTH(STEPS), .ADDRESS_WIDTH(STEP_BITS), .ROWS(PROGRAM)) rows (
        .clk(clk), .enable(issue), .address(step), .row(row)
    );

    wire [X_BITS-1:0] x_signed;
    generate
        if (X_SIGNED) assign x_signed = x;
        else assign x_signed = {1'b0, x};
    endgenerate

    wire sums_valid;
    wire sums_final;
    wire [Q*ACC_WIDTH-1:0] sums;
    mac_array #(
        .P(1), .Q(Q), .GROUPS(GROUPS), .X_WIDTH(X_BITS), .W_WIDTH(W_WIDTH), .SHIFT(SHIFT), .ACC_WIDTH(ACC_WIDTH),
        .BIASES(BIASES)
    ) macs (
        .clk(clk), .rst(rst), .step_valid(mac_valid), .step_last(mac_last), .x(x_signed), .w(w),
        .sums_valid(sums_valid), .sums_final(sums_final), .sums(sums)
    );
    outlet #(.Q(Q), .P_OUT(P_OUT), .Q_FINAL(Q_FINAL), .WIDTH(ACC_WIDTH), .QUEUE_BITS(QUEUE_BITS)) outputs (
        .clk(clk), .rst(rst), .room(room), .reserve(leave && row_last),
        .load(sums_valid), .load_final(sums_final), .values(sums),
        .out_data(sum_data), .out_valid(sum_valid), .out_ready(sum_ready)
    );
endmodule
