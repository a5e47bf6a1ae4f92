FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN SECRET_KEY=for-the-build-only-for-the-build-only-for-the-build-only TOKEN_KEYS=for-the-build-only-for-the-build-only \
    CLEANMAIL_API_URL=https://gateway \
    python manage.py collectstatic --noinput \
 && useradd --system --home /data --create-home portal && chown -R portal /data
USER portal
ENV BIND=0.0.0.0:8000 DATABASE_URL=sqlite:////data/portal.sqlite3
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["sh", "-c", "python manage.py migrate --noinput && exec gunicorn cleanmail_admin.wsgi"]
