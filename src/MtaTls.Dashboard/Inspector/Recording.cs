using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Routing;
using Yarp.ReverseProxy.Model;

namespace MtaTls.Dashboard.Inspector;

/// <summary>One recorded request, with all that is needed to send it again.</summary>
internal sealed class Recording
{
    private const int MaxValueLength = 2_000;
    private const string Blank = "(blanked)";

    private static readonly string[] s_blanked = ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"];

    private readonly HashSet<string> _blanked;
    private readonly string _url;
    private readonly string? _peer;
    private readonly RecordedHeader[] _requestHeaders;
    private readonly DateTimeOffset _time;
    private RecordedHeader[] _responseHeaders = [];
    private int _status;
    private double _duration;
    private double? _firstByte;
    private string? _error;
    private string? _destination;

    public Recording(HttpContext context, RequestDelegate next, MtaTlsDashboardInspectorOptions options, DateTimeOffset time, long? replayOf)
    {
        _blanked = new HashSet<string>([.. s_blanked, .. options.BlankedHeaders], StringComparer.OrdinalIgnoreCase);
        _time = time;
        _url = context.Request.GetEncodedUrl() is { Length: > MaxValueLength } url ? url[..MaxValueLength] : context.Request.GetEncodedUrl();
        _peer = context.Connection.RemoteIpAddress is { } address ? $"{address}:{context.Connection.RemotePort}" : null;
        _requestHeaders = Read(context.Request.Headers);
        RequestBody = new BodyRecorder(options.MaxBodyLength);
        ResponseBody = new BodyRecorder(options.MaxBodyLength);
        Next = next;
        Endpoint = context.GetEndpoint();
        Method = context.Request.Method;
        Protocol = context.Request.Protocol;
        Scheme = context.Request.Scheme;
        Host = context.Request.Host;
        PathBase = context.Request.PathBase;
        Path = context.Request.Path;
        Query = context.Request.QueryString;
        RouteValues = new RouteValueDictionary(context.Request.RouteValues);
        IsUpgrade = HttpMethods.IsConnect(Method) || !string.IsNullOrEmpty(context.Request.Headers.Upgrade);
        ReplayOf = replayOf;
    }

    public long Number { get; set; }

    public BodyRecorder RequestBody { get; }

    public BodyRecorder ResponseBody { get; }

    public RequestDelegate Next { get; }

    public Endpoint? Endpoint { get; }

    public string Method { get; }

    public string Protocol { get; }

    public string Scheme { get; }

    public HostString Host { get; }

    public PathString PathBase { get; }

    public PathString Path { get; }

    public QueryString Query { get; }

    public RouteValueDictionary RouteValues { get; }

    public long? ReplayOf { get; }

    public int Status => _status;

    private bool IsUpgrade { get; }

    /// <summary>Why the request can't be sent again; null: it can.</summary>
    public string? CannotReplay => IsUpgrade ? "Upgrades and CONNECT requests can't be sent again." : RequestBody.IsCut ? "The request's body is longer than the part that is kept (MtaTlsDashboard:Inspector:MaxBodyLength)." : null;

    /// <summary>The request's headers, without blanked and cut ones.</summary>
    public IEnumerable<RecordedHeader> KnownHeaders => _requestHeaders.Where(h => !_blanked.Contains(h.Name) && h.Value.Length < MaxValueLength);

    public void NoteFirstByte(double milliseconds) => _firstByte ??= milliseconds;

    public void Complete(HttpContext context, double milliseconds, Exception? error)
    {
        _responseHeaders = Read(context.Response.Headers);
        _status = error is not null && !context.Response.HasStarted ? StatusCodes.Status500InternalServerError : context.Response.StatusCode;
        _duration = milliseconds;
        _error = error?.Message;
        _destination = context.Features.Get<IReverseProxyFeature>()?.ProxiedDestination?.DestinationId;
    }

    public RequestRow Head() => new(Number, _time, Method, _url, _status, _duration, RequestBody.Length, ResponseBody.Length, _destination, ReplayOf);

    public RecordedRequest Describe()
        => new(Head(), Protocol, _peer, _firstByte, _requestHeaders, RequestBody.Describe(), _responseHeaders, ResponseBody.Describe(), _error, CannotReplay);

    private RecordedHeader[] Read(IHeaderDictionary headers)
    {
        List<RecordedHeader> read = [];
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in headers)
        {
            foreach (string? value in values)
            {
                string text = _blanked.Contains(name) ? Blank : value ?? "";
                read.Add(new RecordedHeader(name, text.Length <= MaxValueLength ? text : text[..MaxValueLength]));
            }
        }

        return [.. read];
    }
}
