// A serial line on one side, a network with AXI4-Stream ports on the other: packets with frames in, packets with
// results out. See packet_receiver and packet_transmitter.
module board_link #(
    parameter CYCLES = 25,            // of the clock, a bit of the line
    parameter SLOT_BITS = 2,
    parameter FRAME_BYTES = 64,
    parameter FRAME_BEAT_BYTES = 1,
    parameter RESULT_BYTES = 10,
    parameter RESULT_BEAT_BYTES = 1,
    parameter IDENTITY_BYTES = 40,
    parameter IDENTITY = ""
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire                           rx,
    output wire                           tx,
    output reg                            active,       // changes with every result
    output wire [8*FRAME_BEAT_BYTES-1:0]  frame_data,
    output wire                           frame_valid,
    output wire                           frame_last,
    input  wire                           frame_ready,
    input  wire [8*RESULT_BEAT_BYTES-1:0] result_data,
    input  wire                           result_valid,
    output wire                           result_ready
);
    wire [7:0] line_data, packet_data, write_data, reason, answer_data, coded_data;
    wire line_valid, line_broken, packet_valid, packet_end, packet_broken;
    wire write, accept, identify, refuse, room, release_slot;
    wire [15:0] write_index, number, oldest;
    wire answer_mark, answer_valid, answer_ready, coded_valid, coded_ready;

    uart_receiver #(.CYCLES(CYCLES)) receiver (
        .clk(clk), .rst(rst), .line(rx), .data(line_data), .valid(line_valid), .broken(line_broken)
    );
    slip_decoder decoder (
        .clk(clk), .rst(rst), .in_data(line_data), .in_valid(line_valid), .in_broken(line_broken),
        .out_data(packet_data), .out_valid(packet_valid), .out_end(packet_end), .out_broken(packet_broken)
    );
    packet_receiver #(.FRAME_BYTES(FRAME_BYTES)) packets (
        .clk(clk), .rst(rst),
        .in_data(packet_data), .in_valid(packet_valid), .in_end(packet_end), .in_broken(packet_broken), .room(room),
        .write_index(write_index), .write_data(write_data), .write(write),
        .accept(accept), .identify(identify), .refuse(refuse), .reason(reason), .number(number)
    );
    frame_buffer #(.SLOT_BITS(SLOT_BITS), .FRAME_BYTES(FRAME_BYTES), .BEAT_BYTES(FRAME_BEAT_BYTES)) frames (
        .clk(clk), .rst(rst), .write_index(write_index), .write_data(write_data), .write(write),
        .accept(accept), .number(number), .release_slot(release_slot), .room(room), .oldest(oldest),
        .out_data(frame_data), .out_valid(frame_valid), .out_last(frame_last), .out_ready(frame_ready)
    );
    packet_transmitter #(
        .RESULT_BYTES(RESULT_BYTES), .BEAT_BYTES(RESULT_BEAT_BYTES), .IDENTITY_BYTES(IDENTITY_BYTES),
        .IDENTITY(IDENTITY)
    ) answers (
        .clk(clk), .rst(rst), .refuse(refuse), .reason(reason), .identify(identify), .number(number),
        .oldest(oldest), .result(result_data), .result_valid(result_valid), .result_ready(result_ready),
        .release_slot(release_slot),
        .out_data(answer_data), .out_mark(answer_mark), .out_valid(answer_valid), .out_ready(answer_ready)
    );
    slip_encoder encoder (
        .clk(clk), .rst(rst), .in_data(answer_data), .in_mark(answer_mark), .in_valid(answer_valid),
        .in_ready(answer_ready), .out_data(coded_data), .out_valid(coded_valid), .out_ready(coded_ready)
    );
    uart_transmitter #(.CYCLES(CYCLES)) transmitter (
        .clk(clk), .rst(rst), .data(coded_data), .valid(coded_valid), .ready(coded_ready), .line(tx)
    );
    always @(posedge clk) begin
        if (rst) active <= 1'b0;
        else if (release_slot) active <= !active;
    end
endmodule
