// Answers, each a packet as `packet_receiver` says, with an END before and behind it: results as the network gives
// them, what the design is, and why a packet was refused. A refusal and an identity that wait are answered first; of
// several refusals that wait the first one is.
module packet_transmitter #(
    parameter RESULT_BYTES = 10,
    parameter BEAT_BYTES = 1,         // bytes of a beat of the network's output; divides RESULT_BYTES
    parameter IDENTITY_BYTES = 40,
    parameter IDENTITY = ""           // file with a byte in each line, hexadecimal
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    refuse,
    input  wire [7:0]              reason,
    input  wire                    identify,
    input  wire [15:0]             number,      // of what is refused or asked
    input  wire [15:0]             oldest,        // of the result that is next
    input  wire [8*BEAT_BYTES-1:0] result,
    input  wire                    result_valid,
    output wire                    result_ready,
    output reg                     release_slot,  // for one cycle: a result has been sent
    output wire [7:0]              out_data,
    output wire                    out_mark,
    output wire                    out_valid,
    input  wire                    out_ready
);
    localparam [7:0] RESULT = 8'h81, IDENTIFIED = 8'h82, REFUSED = 8'hE0;
    localparam [2:0] IDLE = 3'd0, BEGIN = 3'd1, HEADER = 3'd2, PAYLOAD = 3'd3, TRAILER = 3'd4, END = 3'd5;
    localparam LANE_BITS = BEAT_BYTES > 1 ? $clog2(BEAT_BYTES) : 1;
    localparam IDENTITY_BITS = $clog2(IDENTITY_BYTES);

    // A simulated board says so: byte 1 of the identity.
`ifdef VERILATOR
    localparam [7:0] SIMULATED = 8'd1;
`else
    localparam [7:0] SIMULATED = 8'd0;
`endif

    reg refusal_waits, identity_waits;
    reg [7:0] refusal_reason;
    reg [15:0] refusal_number, identity_number;

    reg [2:0] state;
    reg [7:0] kind;
    reg [15:0] answer_number;
    reg [15:0] length;
    reg [15:0] index;                 // of the byte in the part of the packet that is sent
    reg [LANE_BITS-1:0] lane;

    reg [7:0] identity [0:IDENTITY_BYTES-1];
    initial $readmemh(IDENTITY, identity);
    wire [7:0] identity_byte = (index == 16'd1) ? SIMULATED : identity[index[IDENTITY_BITS-1:0]];

    wire [31:0] sum;
    wire crc_busy;
    wire [39:0] header = {length, answer_number, kind};
    wire [7:0] result_byte = result[8*lane +: 8];
    wire [7:0] payload = (kind == RESULT) ? result_byte : (kind == IDENTIFIED) ? identity_byte : refusal_reason;
    assign out_data =
        (state == HEADER) ? header[8*index[2:0] +: 8] : (state == PAYLOAD) ? payload : sum[8*index[1:0] +: 8];
    assign out_mark = (state == BEGIN) || (state == END);
    wire waits = crc_busy || (state == PAYLOAD && kind == RESULT && !result_valid);
    assign out_valid = (state != IDLE) && !waits;
    wire sent = out_valid && out_ready;
    wire in_sum = (state == HEADER) || (state == PAYLOAD);
    wire last_lane = (lane == BEAT_BYTES - 1);
    assign result_ready = sent && (state == PAYLOAD) && (kind == RESULT) && last_lane;

    crc32 crc (
        .clk(clk), .start(rst || state == BEGIN), .data(out_data), .valid(sent && in_sum),
        .sum(sum), .busy(crc_busy), .whole()
    );

    wire ends = (index + 1'b1 == ((state == HEADER) ? 16'd5 : (state == PAYLOAD) ? length : 16'd4));
    always @(posedge clk) begin
        release_slot <= 1'b0;
        if (refuse && !refusal_waits) begin
            refusal_reason <= reason;
            refusal_number <= number;
        end
        if (identify) identity_number <= number;
        if (rst) begin
            state <= IDLE;
            refusal_waits <= 1'b0;
            identity_waits <= 1'b0;
            lane <= 0;
        end else begin
            if (refuse) refusal_waits <= 1'b1;
            if (identify) identity_waits <= 1'b1;
            if (state == IDLE) begin
                index <= 16'd0;
                lane <= 0;
                if (refusal_waits) begin
                    state <= BEGIN;
                    kind <= REFUSED;
                    answer_number <= refusal_number;
                    length <= 16'd1;
                end else if (identity_waits) begin
                    state <= BEGIN;
                    kind <= IDENTIFIED;
                    answer_number <= identity_number;
                    length <= IDENTITY_BYTES;
                    identity_waits <= identify;
                // The number of the next result is there a cycle after the one before has left.
                end else if (result_valid && !release_slot) begin
                    state <= BEGIN;
                    kind <= RESULT;
                    answer_number <= oldest;
                    length <= RESULT_BYTES;
                end
            end else if (sent) begin
                index <= index + 1'b1;
                case (state)
                    BEGIN: begin
                        state <= HEADER;
                        index <= 16'd0;
                    end
                    END: begin
                        state <= IDLE;
                        release_slot <= (kind == RESULT);
                        // Its reason has been read only now.
                        if (kind == REFUSED) refusal_waits <= 1'b0;
                    end
                    default: if (ends) begin
                        state <= state + 1'b1;
                        index <= 16'd0;
                    end
                endcase
                if (state == PAYLOAD) lane <= last_lane ? 0 : lane + 1'b1;
            end
        end
    end
endmodule
