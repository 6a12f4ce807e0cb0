using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Dashboard.Assets;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Sampling;
using MtaTls.Dashboard.Security;
using MtaTls.Dashboard.Views;

namespace MtaTls.Dashboard;

/// <summary>Serves the page, a snapshot, and the stream of frames.</summary>
internal sealed class DashboardEndpoints(
    AssetTable assets, Sampler sampler, FrameWriter frames, ActionGate actions, RequestRing requests, IHostApplicationLifetime lifetime, IOptions<MtaTlsDashboardOptions> options, TimeProvider time)
{
    /// <summary>Sends the page. Its relative links need a path that ends with a slash, so other paths are redirected.</summary>
    public Task PageAsync(HttpContext context)
    {
        if (context.Request.Path.Value?.EndsWith('/') != true)
        {
            context.Response.Redirect($"{context.Request.PathBase}{context.Request.Path}/");
            return Task.CompletedTask;
        }

        return AssetTable.SendAsync(context, assets.Page);
    }

    /// <summary>Sends one frame.</summary>
    public async Task SnapshotAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } query)
        {
            return;
        }

        using Sampler.Viewer? viewer = sampler.TryWatch(query.View is "sessions" or "channels");
        if (viewer is null)
        {
            await TooManyAsync(context);
            return;
        }

        await WriteAsync(context, frames.Write(query, viewer.Current, await CanActAsync(context), viewer.Points), DashboardJson.Default.Frame);
    }

    /// <summary>Sends a frame each second, as server-sent events, until the viewer leaves, StreamLifetime is over, or the application stops.</summary>
    public async Task StreamAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } query)
        {
            return;
        }

        using Sampler.Viewer? viewer = sampler.TryWatch(query.View is "sessions" or "channels");
        if (viewer is null)
        {
            await TooManyAsync(context);
            return;
        }

        bool canAct = await CanActAsync(context);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "text/event-stream";
        using CancellationTokenSource end = new(options.Value.StreamLifetime, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(end.Token, context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            Sample sample = viewer.Current;
            await SendAsync(context, frames.Write(query, sample, canAct, viewer.Points));
            while (true)
            {
                sample = await viewer.NextAsync(sample.Number, stop.Token);
                await SendAsync(context, frames.Write(query, sample, canAct, null));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (!context.RequestAborted.IsCancellationRequested && !lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // The page then connects again and shows no error.
                await context.Response.WriteAsync("event: again\ndata: {}\n\n", context.RequestAborted);
            }
        }
    }

    /// <summary>Sends one recorded request.</summary>
    public async Task RequestAsync(HttpContext context)
    {
        if (requests.Options.Enabled && long.TryParse(context.GetRouteValueText("number"), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && requests.Find(number) is { } recording)
        {
            await WriteAsync(context, recording.Describe(), DashboardJson.Default.RecordedRequest);
            return;
        }

        await FailAsync(context, StatusCodes.Status404NotFound, "The request was not found. Newer requests may have replaced it.");
    }

    internal static async Task FailAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        await WriteAsync(context, new ErrorMessage(error), DashboardJson.Default.ErrorMessage);
    }

    internal static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private static async Task<ViewQuery?> ReadAsync(HttpContext context)
    {
        if (ViewQuery.TryRead(context.Request.Query, out ViewQuery? query, out string? error))
        {
            return query;
        }

        await FailAsync(context, StatusCodes.Status400BadRequest, error);
        return null;
    }

    private async Task<bool> CanActAsync(HttpContext context) => await actions.DecideAsync(context) == StatusCodes.Status200OK;

    private Task TooManyAsync(HttpContext context)
        => FailAsync(context, StatusCodes.Status503ServiceUnavailable, $"{options.Value.MaxViewers} browsers already watch ({MtaTlsDashboardOptions.SectionName}:{nameof(MtaTlsDashboardOptions.MaxViewers)}).");

    /// <summary>Sends a frame as one event. The end of the stream's lifetime cuts no event.</summary>
    private async Task SendAsync(HttpContext context, Frame frame)
    {
        PipeWriter body = context.Response.BodyWriter;
        body.Write("data: "u8);
        using (Utf8JsonWriter json = new(body))
        {
            JsonSerializer.Serialize(json, frame, DashboardJson.Default.Frame);
        }

        body.Write("\n\n"u8);
        // Kestrel aborts the connection when a flush is cancelled, so no other end of the stream cancels it.
        Task flush = body.FlushAsync(context.RequestAborted).AsTask();
        try
        {
            await flush.WaitAsync(flush.IsCompleted ? default : lifetime.ApplicationStopping);
        }
        catch (OperationCanceledException) when (!flush.IsCompleted)
        {
            // The viewer reads too slowly, and the application's stop does not wait for it.
            context.Abort();
            throw;
        }
    }
}
