using System.Net.Http.Json;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>
/// Retries a request that was lost with its connection, because the session was lost or the server has stopped. As RFC 9110 (section 9.2.2) requires, it retries only idempotent methods
/// (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), only before a response has begun, and only if the content can be read again.
/// </summary>
/// <remarks>
/// A <see cref="SocketsHttpHandler"/> itself retries only requests on a connection that the server closed normally before a response. When a session is lost, all its channels and their requests
/// are lost. The first retry follows at once, the next ones after 100 ms, 200 ms and so on up to 1.6 s, because the <see cref="SocketsHttpHandler"/> may still hold other channels of that session whose end it
/// has not read yet. <c>IHttpClientBuilder.UseMtaTls</c> adds the handler; elsewhere put it in front:
/// <c>new HttpClient(new MtaTlsRetryHandler(new SocketsHttpHandler().UseMtaTls(...)))</c>. Synchronous requests are passed on and not retried.
/// <para>
/// The attempts of several retry handlers multiply. If the client also has a handler of Microsoft.Extensions.Http.Resilience (<c>AddStandardResilienceHandler</c>), which retries lost requests too,
/// <c>IHttpClientBuilder.UseMtaTls</c> adds this handler only if <see cref="MtaTlsClientOptions.MaxRetries"/> is set.
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

    /// <summary>Creates a handler whose inner handler is set later, as <see cref="IHttpClientFactory"/> does.</summary>
    /// <param name="maxRetries">The most retries of a request. Default: 3. Range: 0 (never) to 100.</param>
    /// <param name="timeProvider">The clock of the delays. Default: null, <see cref="TimeProvider.System"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxRetries"/> is out of range.</exception>
    public MtaTlsRetryHandler(int maxRetries = DefaultMaxRetries, TimeProvider? timeProvider = null)
    {
        _maxRetries = Ranges.Check(maxRetries, 0, 100);
        _time = timeProvider ?? TimeProvider.System;
    }

    /// <summary>Creates a handler in front of another.</summary>
    /// <param name="innerHandler">The handler that sends the requests.</param>
    /// <param name="maxRetries">The most retries of a request. Default: 3. Range: 0 (never) to 100.</param>
    /// <param name="timeProvider">The clock of the delays. Default: null, <see cref="TimeProvider.System"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxRetries"/> is out of range.</exception>
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
                // The content is a stream that cannot be read again, so the first error is thrown.
                ExceptionDispatchInfo.Throw(lost);
            }
        }
    }

    /// <summary>Whether the request was lost with its connection. Decisions of the server or of a policy are not retried.</summary>
    private static bool IsLost(HttpRequestException e)
    {
        if (e.InnerException is not IOException || e.HttpRequestError is HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.SecureConnectionError)
        {
            return false;
        }

        // HTTP/2 reports a connection that ends before the server's settings as an invalid response, so the innermost exception tells.
        Exception cause = e;
        while (cause.InnerException is IOException inner)
        {
            cause = inner;
            // A server that stops ends an HTTP/2 connection with NO_ERROR.
            if (cause is HttpProtocolException { ErrorCode: not 0 } or MtaTlsChannelRefusedException or MtaTlsNotNegotiatedException)
            {
                return false;
            }
        }

        return cause is not HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded };
    }

    private static bool IsIdempotent(HttpMethod method) =>
        method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Options || method == HttpMethod.Trace || method == HttpMethod.Put || method == HttpMethod.Delete;

    /// <summary>Whether the content is of a type that writes the same bytes each time. StreamContent seeks back to the start of its stream, or throws.</summary>
    private static bool CanBeReadAgain(HttpContent? content) => content switch
    {
        null or ByteArrayContent or ReadOnlyMemoryContent or JsonContent or StreamContent => true,
        MultipartContent parts => parts.All(CanBeReadAgain),
        _ => false,
    };
}
