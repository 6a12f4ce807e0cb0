using System.Net.Http.Json;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>
/// Sends a request again that was lost with its connection: with a session that dropped, or with a server that went away. RFC 9110, section 9.2.2: only where the method is idempotent
/// (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), only before an answer has begun, and only where the content can be read again.
/// </summary>
/// <remarks>
/// A <see cref="SocketsHttpHandler"/> alone sends again what a server closed in order without an answer, as on every connection; a session that drops takes all its channels with
/// it, the requests under way included. The first time it is sent again at once, then after 100 ms, 200 ms and so on up to 1.6 s: the handler may hold more channels of that session, whose end
/// has not been read yet. <c>IHttpClientBuilder.UseMtaTls</c> adds the handler; elsewhere put it in front:
/// <c>new HttpClient(new MtaTlsRetryHandler(new SocketsHttpHandler().UseMtaTls(...)))</c>. Synchronous requests pass through it and are not repeated.
/// <para>
/// Attempts of several retrying handlers multiply. Beside a handler of Microsoft.Extensions.Http.Resilience (<c>AddStandardResilienceHandler</c>), <c>IHttpClientBuilder.UseMtaTls</c> therefore adds this
/// one only where <see cref="MtaTlsClientOptions.MaxRetries"/> is set: the other retries what was lost as well.
/// </para>
/// </remarks>
public sealed class MtaTlsRetryHandler : DelegatingHandler
{
    internal const int DefaultMaxRetries = 3;

    private const int MaxDoublings = 4;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly int _maxRetries;
    private readonly TimeProvider _time;
    private readonly ILogger _log = NullLogger.Instance;

    /// <summary>Makes a handler whose inner one is set later, as <see cref="IHttpClientFactory"/> does.</summary>
    /// <param name="maxRetries">How often a request is sent again at most. Default: 3. Range: 0 (never) to 100.</param>
    /// <param name="timeProvider">The clock of the pauses. Default: null, <see cref="TimeProvider.System"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public MtaTlsRetryHandler(int maxRetries = DefaultMaxRetries, TimeProvider? timeProvider = null)
    {
        _maxRetries = Ranges.Check(maxRetries, 0, 100);
        _time = timeProvider ?? TimeProvider.System;
    }

    /// <summary>Makes a handler in front of another.</summary>
    /// <param name="innerHandler">Sends the requests.</param>
    /// <param name="maxRetries">How often a request is sent again at most. Default: 3. Range: 0 (never) to 100.</param>
    /// <param name="timeProvider">The clock of the pauses. Default: null, <see cref="TimeProvider.System"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public MtaTlsRetryHandler(HttpMessageHandler innerHandler, int maxRetries = DefaultMaxRetries, TimeProvider? timeProvider = null)
        : base(innerHandler)
    {
        _maxRetries = Ranges.Check(maxRetries, 0, 100);
        _time = timeProvider ?? TimeProvider.System;
    }

    internal MtaTlsRetryHandler(int maxRetries, TimeProvider timeProvider, ILoggerFactory? loggers)
        : this(maxRetries, timeProvider) => _log = (loggers ?? NullLoggerFactory.Instance).CreateLogger(ClientDiagnostics.Name);

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        HttpRequestException? lost = null;
        for (int retries = 0; ; retries++)
        {
            if (retries > 1)
            {
                await Task.Delay(s_pause * (1 << Math.Min(retries - 2, MaxDoublings)), _time, cancellationToken).ConfigureAwait(false);
            }

            try
            {
                return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (retries < _maxRetries && IsLost(e) && IsIdempotent(request.Method) && CanBeReadAgain(request.Content))
            {
                lost = e;
                ClientDiagnostics.Retried(request.RequestUri);
                _log.RequestRetried(request.Method.Method, request.RequestUri?.IdnHost, retries + 1, _maxRetries, e);
            }
            catch (Exception e) when (lost is not null && (e is HttpRequestException ? e.InnerException : e) is InvalidOperationException and not ObjectDisposedException)
            {
                // The content is a stream that can't be read again.
                ExceptionDispatchInfo.Throw(lost);
            }
        }
    }

    /// <summary>The connection failed under the request. What the server or a policy has decided is no loss.</summary>
    private static bool IsLost(HttpRequestException e) =>
        e.InnerException is IOException and not (HttpProtocolException or MtaTlsChannelRefusedException or MtaTlsNotNegotiatedException)
        && e.HttpRequestError is not (HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.SecureConnectionError);

    private static bool IsIdempotent(HttpMethod method) =>
        method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Options || method == HttpMethod.Trace || method == HttpMethod.Put || method == HttpMethod.Delete;

    /// <summary>Contents that are known to write the same bytes each time; a stream goes back to its start, or refuses.</summary>
    private static bool CanBeReadAgain(HttpContent? content) => content switch
    {
        null or ByteArrayContent or ReadOnlyMemoryContent or JsonContent or StreamContent => true,
        MultipartContent parts => parts.All(CanBeReadAgain),
        _ => false,
    };
}
